import type { TestContext } from 'node:test'
import type { Dispatcher } from 'undici'
import type { Refusal } from '../../src/decision/refusal.ts'
import { refusalOf } from '../../src/upstream/failure.ts'
import type { ReplicaOptions, UpstreamOptions } from '../../src/upstream/options.ts'
import {
  createPool,
  type Lease,
  type PoolDependencies,
  type UpstreamPool,
  type Wanted,
} from '../../src/upstream/pool.ts'
import { createTurns } from '../../src/upstream/turns.ts'

/** The replica at a URL; `unix:/path` is a socket. */
export const replicaAt = (url: string): ReplicaOptions => {
  const socketPath = url.startsWith('unix:') ? url.slice('unix:'.length) : undefined
  const { origin, host } = new URL(socketPath === undefined ? url : 'http://localhost')
  return { name: url, origin, authority: host, basePath: '', socketPath }
}

/** What the config would make of an entry with these replicas and otherwise defaults, without ejection. */
export const upstreamOf = (urls: readonly string[], change: Partial<UpstreamOptions> = {}): UpstreamOptions => ({
  replicas: urls.map(replicaAt),
  balance: 'round_robin',
  authorization: 'forward',
  identityHeaders: [],
  timeouts: { connectMs: 5000, responseMs: 5000, idleMs: 5000 },
  pool: { connections: 128, queue: 1024 },
  retries: 0,
  healthCheck: undefined,
  ejection: undefined,
  tls: undefined,
  websocket: undefined,
  ...change,
})

/** With the platform's timers, and events that nobody hears. */
export const quiet: PoolDependencies = {
  now: () => performance.now(),
  after: (ms, run) => {
    const timer = setTimeout(run, ms)
    return () => clearTimeout(timer)
  },
  events: { health: () => undefined, ejected: () => undefined },
}

/** A pool that ends with the test. */
export const poolOf = (
  t: TestContext,
  options: UpstreamOptions,
  dependencies: PoolDependencies = quiet,
): UpstreamPool => {
  const pool = createPool(options, dependencies, createTurns(256))
  t.after(() => pool.destroy())
  return pool
}

/** What became of a request, without the gateway around it. */
export interface Told {
  /** Of the replica, or 0. */
  readonly status: number
  readonly body: string
  readonly refusal: Refusal | undefined
  /** Where it was sent, and whether the connection had served before when it was over. */
  readonly lease: Lease | undefined
  readonly reused: boolean | undefined
}

/** A handler for one request on a lease, and what it was told in the end. */
export const teller = (
  lease: Lease,
): { readonly handler: Dispatcher.DispatchHandler; readonly told: Promise<Told> } => {
  const { promise: told, resolve } = Promise.withResolvers<Told>()
  let status = 0
  let body = ''
  let sent = false
  const tell = (refusal: Refusal | undefined): void => {
    const { reused } = lease
    lease.ended(refusal ? 'failed' : 'answered')
    resolve({ status, body, refusal, lease, reused })
  }
  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: () => {
      sent = true
    },
    onResponseStart: (_, received) => {
      status = received
    },
    onResponseData: (_, chunk) => {
      body += chunk.toString('latin1')
    },
    onResponseEnd: () => tell(undefined),
    onResponseError: (_, error) => tell(refusalOf(error, sent)),
  }
  return { handler, told }
}

/** `GET /` for a replica. */
export const getFrom = ({ authority }: ReplicaOptions, path = '/'): Dispatcher.DispatchOptions => ({
  method: 'GET',
  path,
  headers: ['Host', authority],
  body: null,
})

/** A GET through a pool. Resolves with what became of it; one that leaves the queue never does. */
export const get = (
  pool: UpstreamPool,
  path = '/',
  choice: Pick<Wanted, 'tried' | 'elsewhere'> = { tried: [] },
): { readonly told: Promise<Told>; readonly leave: () => void } => {
  const { promise, resolve } = Promise.withResolvers<Told>()
  const refuse = (refusal: Refusal): void =>
    resolve({ status: 0, body: '', refusal, lease: undefined, reused: undefined })
  let leave: (() => void) | undefined
  const taken = pool.dispatch({
    ...choice,
    send: (lease) => {
      leave = lease.cut
      const { handler, told } = teller(lease)
      void told.then(resolve)
      return { options: getFrom(lease.replica, path), handler }
    },
    overdue: refuse,
  })
  if (typeof taken !== 'function') refuse(taken)
  else leave ??= taken
  return { told: promise, leave: () => leave?.() }
}
