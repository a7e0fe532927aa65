import { connect } from 'node:net'
import type { Config, Issuer, Upstream } from '../config/config.ts'
import { systemClock } from '../keys/clock.ts'
import { createKeySource } from '../keys/index.ts'
import { silentKeyEvents } from '../keys/silent.ts'

const connectMs = 5_000

/** The part of a {@link Config} that reaches out. */
export interface Outside {
  readonly issuers: Config['issuers']
  readonly upstreams: readonly Pick<Upstream, 'options'>[]
}

/**
 * What a configuration that is right in itself finds wrong with the world: one sentence for each issuer whose keys
 * cannot be loaded and for each upstream that takes no TCP connection within 5 s; empty: all is well. No request is sent
 * to an upstream, and its certificate is not looked at. Everything it opened is closed. Never rejects.
 */
export const checkOnline = async (config: Outside): Promise<readonly string[]> => {
  const origins = new Set(config.upstreams.map(({ options }) => options.origin))
  const found = await Promise.all([...config.issuers.map(issuerFault), ...[...origins].map(upstreamFault)])
  return found.filter((fault) => fault !== undefined)
}

const issuerFault = async ({ name, issuer, keys, token }: Issuer): Promise<string | undefined> => {
  const source = createKeySource(
    { name, issuer, keys, algorithms: token.algorithms },
    { events: silentKeyEvents, clock: systemClock, random: Math.random },
  )
  await source.started
  const { state, lastError } = source.report()
  await source.close()
  return state === 'fresh' ? undefined : `issuer ${name}: no keys: ${lastError ?? 'unknown'}`
}

const upstreamFault = (origin: string): Promise<string | undefined> =>
  new Promise((resolve) => {
    const { protocol, hostname, port } = new URL(origin)
    const socket = connect({
      host: hostname.replace(/^\[|\]$/g, ''),
      port: Number(port || (protocol === 'https:' ? 443 : 80)),
      signal: AbortSignal.timeout(connectMs),
    })
    const end = (fault: string | undefined): void => {
      socket.destroy()
      resolve(fault === undefined ? undefined : `upstream ${origin}: no TCP connection: ${fault}`)
    }
    socket.once('connect', () => end(undefined))
    socket.on('error', (error) => end(error.name === 'AbortError' ? 'no answer in 5 s' : codeOf(error)))
  })

const codeOf = (error: Error): string => ('code' in error && typeof error.code === 'string' ? error.code : 'failed')
