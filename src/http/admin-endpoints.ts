import type { ReadinessReport } from '../observe/readiness.ts'

/** What the endpoints tell and do; wired by the composition root. */
export interface AdminDependencies {
  /** Config valid, listeners bound. */
  readonly started: () => boolean
  readonly ready: () => ReadinessReport | Promise<ReadinessReport>
  /** From now on answers of the public listener carry `Connection: close`; readiness stays. */
  readonly drain: () => void
  readonly metrics: { readonly expose: () => Promise<string>; readonly contentType: string }
  /** Plain JSON data each, or a promise of it; `config` already redacted. */
  readonly routes: () => unknown
  readonly issuers: () => unknown
  readonly config: () => unknown
  /** Told what an endpoint threw; the answer says nothing of it. */
  readonly failed: (error: unknown) => void
}

/** What an endpoint says, before it is put into a response. */
export interface AdminAnswer {
  readonly status: number
  readonly type: string
  readonly body: string
}

export interface Endpoint {
  readonly methods: readonly string[]
  readonly answer: (query: URLSearchParams) => AdminAnswer | Promise<AdminAnswer>
}

const READ = ['GET', 'HEAD']

/** Every path of the admin listener, whole: there is nothing below or around them (contract section 6). */
export const endpointsOf = (deps: AdminDependencies): ReadonlyMap<string, Endpoint> => {
  const read = (answer: Endpoint['answer']): Endpoint => ({ methods: READ, answer })
  const readyz = read((query) => readiness(deps, query.has('verbose')))
  return new Map([
    ['/livez', read(() => text(200, 'ok'))],
    ['/startupz', read(() => (deps.started() ? text(200, 'ok') : text(503, 'starting')))],
    ['/readyz', readyz],
    ['/healthz', readyz],
    [
      '/drain',
      {
        methods: ['GET', 'POST'], // GET: the kubelet's httpGet hook can do nothing else
        answer: () => {
          deps.drain()
          return text(200, 'draining')
        },
      },
    ],
    [
      '/metrics',
      read(async () => ({ status: 200, type: deps.metrics.contentType, body: await deps.metrics.expose() })),
    ],
    ['/routes', read(async () => json(await deps.routes()))],
    ['/issuers', read(async () => json(await deps.issuers()))],
    ['/config', read(async () => json(await deps.config()))],
  ])
}

const readiness = async (deps: AdminDependencies, verbose: boolean): Promise<AdminAnswer> => {
  const { ok, reasons, issuers } = await deps.ready()
  const passed = ok && deps.started()
  const lines = [passed ? 'ready' : 'not ready']
  if (!deps.started()) lines.push('starting')
  if (verbose || !passed) lines.push(...reasons)
  if (verbose) lines.push(...issuers.map(({ name, state }) => `issuer ${name}: keys ${state}`))
  return text(passed ? 200 : 503, lines.join('\n'))
}

/** A short plain answer. */
export const text = (status: number, body: string): AdminAnswer => ({
  status,
  type: 'text/plain; charset=utf-8',
  body: `${body}\n`,
})

const json = (value: unknown): AdminAnswer => ({
  status: 200,
  type: 'application/json',
  body: `${JSON.stringify(value, null, 2)}\n`,
})
