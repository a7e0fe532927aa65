import { connect } from 'node:net'
import type { Config, Issuer, Upstream } from '../config/config.ts'
import { createIssuer } from '../issuers.ts'
import { systemClock } from '../keys/clock.ts'
import { createStore } from '../store/index.ts'
import type { Store } from '../store/store.ts'
import type { ReplicaOptions } from '../upstream/options.ts'
import { quiet } from './quiet.ts'

const connectMs = 5_000

/** The part of a {@link Config} that reaches out. */
export interface Outside {
  readonly store: Config['store']
  readonly issuers: Config['issuers']
  readonly upstreams: readonly Pick<Upstream, 'options'>[]
}

/**
 * What a configuration that is right in itself finds wrong with the world: one sentence for each issuer whose keys
 * cannot be loaded or which does not take the gateway's questions, for a store that does not answer, and for each
 * replica of an upstream that takes no connection within 5 s; empty: all is well. No request is sent to an upstream, and its
 * certificate is not looked at. Everything it opened is closed. Never rejects.
 */
export const checkOnline = async (config: Outside): Promise<readonly string[]> => {
  const places = new Map(
    config.upstreams.flatMap(({ options }) => options.replicas.map((replica) => [placeOf(replica), replica] as const)),
  )
  const store = createStore(config.store, {
    events: { operation: () => undefined, connection: () => undefined, refused: () => undefined },
    clock: systemClock,
    random: Math.random,
    monotonic: () => performance.now(),
  })
  const found = await Promise.all([
    ...config.issuers.map((issuer) => issuerFaults(issuer, store)),
    ...[...places].map(([place, replica]) => upstreamFault(place, replica)),
    store.fault().then((fault) => fault && `store: ${fault}`),
  ])
  await store.close()
  return found.flat().filter((fault) => fault !== undefined)
}

const issuerFaults = async (issuer: Issuer, store: Store): Promise<readonly string[]> => {
  const { name } = issuer
  const running = createIssuer(issuer, { store, clock: systemClock, monotonic: () => performance.now(), events: quiet })
  await running.started
  const { state, lastError } = running.keys.report()
  const decryption = running.decryption?.report()
  const asked = await running.introspection?.probe()
  await running.close()
  return [
    ...(state === 'fresh' ? [] : [`issuer ${name}: no keys: ${lastError ?? 'unknown'}`]),
    ...(decryption?.keys === 0 ? [`issuer ${name}: no decryption keys: ${decryption.lastError ?? 'unknown'}`] : []),
    ...(asked === undefined ? [] : [`issuer ${name}: introspection: ${asked}`]),
  ]
}

/** Replicas that differ in their base path alone are one place. */
const placeOf = ({ origin, socketPath }: ReplicaOptions): string =>
  socketPath === undefined ? origin : `unix:${socketPath}`

const upstreamFault = (place: string, { origin, socketPath }: ReplicaOptions): Promise<string | undefined> =>
  new Promise((resolve) => {
    const where = socketPath === undefined ? addressOf(origin) : { path: socketPath }
    const socket = connect({ ...where, signal: AbortSignal.timeout(connectMs) })
    const end = (fault: string | undefined): void => {
      socket.destroy()
      const kind = socketPath === undefined ? 'TCP connection' : 'connection'
      resolve(fault === undefined ? undefined : `upstream ${place}: no ${kind}: ${fault}`)
    }
    socket.once('connect', () => end(undefined))
    socket.on('error', (error) => end(error.name === 'AbortError' ? 'no answer in 5 s' : codeOf(error)))
  })

const addressOf = (origin: string): { readonly host: string; readonly port: number } => {
  const { protocol, hostname, port } = new URL(origin)
  return { host: hostname.replace(/^\[|\]$/g, ''), port: Number(port || (protocol === 'https:' ? 443 : 80)) }
}

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : 'failed')
