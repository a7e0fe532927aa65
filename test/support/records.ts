import type { Resource, Route } from '../../src/decision/resource.ts'
import { newRecord, type RequestRecord } from '../../src/observe/record.ts'

/** A route as the sinks see it. */
export const route = (index: number, key: string): Route => ({
  index,
  key,
  methods: undefined,
  rule: { kind: 'public' },
})

/** A resource as the sinks see it: a number, a name and routes. */
export const resource = (
  index: number,
  name: string,
  keys: readonly string[] = ['GET /{id}', '_otherwise'],
): Resource => {
  const all = keys.map((key, at) => route(at, key))
  return {
    index,
    name,
    indicator: `https://api.example.com/${name}`,
    audiences: [`https://api.example.com/${name}`],
    issuers: ['main'],
    place: { host: 'api.example.com', path: `/${name}` },
    origin: 'https://api.example.com',
    paths: { encodedSlashes: false, parameters: false },
    routes: undefined,
    otherwise: all.at(-1) ?? route(0, '_default'),
    all,
    metadata: undefined,
  }
}

export const orders = resource(0, 'orders')

/** An allowed request to `orders` that took 12.5 ms, 10 of them at the upstream; `change` says what is different. */
export const record = (change: Partial<RequestRecord> = {}): RequestRecord => ({
  ...newRecord('GET', 1000),
  requestId: '8b5ad3f8-a3cf-4ae7-a9c6-8b4c15e1b684',
  host: 'api.example.com',
  path: '/orders/42',
  resource: orders,
  route: orders.all[0],
  status: 200,
  decision: 'allow',
  issuer: 'main',
  clientId: 'cli',
  decidedAt: 1000.25,
  forwardedAt: 1000.5,
  upstreamHeadAt: 1010.5,
  headAt: 1010.75,
  endedAt: 1012.5,
  bytesOut: 1234,
  remoteAddress: '192.0.2.7',
  ...change,
})
