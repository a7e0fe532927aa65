import { isDeepStrictEqual } from 'node:util'
import { renewListenTls } from './config/compile-listen.ts'
import { renewUpstreamTls } from './config/compile-upstream-tls.ts'
import type { Config } from './config/config.ts'
import type { ReadFile } from './config/files.ts'
import type { Renewed } from './config/read-identity.ts'
import { type WatchedFiles, watchFiles } from './config/watch-files.ts'
import type { TlsOptions } from './http/options.ts'
import { certificateNotAfter } from './http/tls.ts'
import type { Clock } from './keys/clock.ts'
import type { UpstreamTls } from './upstream/options.ts'

/** What becomes of certificates; wired to metrics and log by the composition root. */
export interface CertificateEvents {
  /**
   * New connections use what the files hold now.
   *
   * @param name `listen`, or `upstream:` and the name of the resource
   * @param notAfterSeconds when our certificate ends, since the epoch; undefined: the upstream is shown none, its CAs
   *   have changed
   */
  changed(name: string, notAfterSeconds: number | undefined): void
  /** The files have changed into something that is of no use: what was there goes on. No key material. */
  kept(name: string, fault: string): void
}

export interface CertificateDeps {
  readonly listener: { setCertificate(tls: Pick<TlsOptions, 'certificate' | 'key' | 'clientCa'>): void }
  /** By `Resource.index`; upstreams may share one. */
  readonly pools: readonly { renewTls(tls: UpstreamTls): void }[]
  readonly clock: Pick<Clock, 'after'>
  readonly events: CertificateEvents
}

/** The certificates of a running gateway. */
export interface Certificates {
  /** Looks at all files now. */
  check(): void
  close(): void
}

type Watched = Pick<Config, 'listen' | 'upstreams'>

/**
 * Follows the files of `listen.tls` and of every upstream's `tls`, each set for itself: what is wrong with one holds back
 * no other. A connection that stands keeps what it was made with. The names of the files are those of the start.
 */
export const createCertificates = (
  config: Watched,
  { listener, pools, clock, events }: CertificateDeps,
): Certificates => {
  const sets = new Map<string, UpstreamSet>()
  for (const { resource, options } of config.upstreams) {
    const { tls } = options
    const pool = pools[resource.index]
    if (!tls || !pool) continue
    // Ten thousand upstreams may show one certificate: it is read once.
    const key = JSON.stringify(tls.files)
    const set: UpstreamSet = sets.get(key) ?? { tls, names: [], pools: new Map() }
    sets.set(key, set)
    set.names.push(upstreamName(resource.name))
    set.pools.set(pool, tls.serverName)
  }
  const { tls } = config.listen
  const watched = [
    tls && follow(tls, ['listen'], renewListenTls, (renewed) => listener.setCertificate(renewed), { clock, events }),
    ...[...sets.values()].map(({ tls, names, pools: users }) =>
      follow(
        tls,
        names,
        renewUpstreamTls,
        (renewed) => {
          for (const [pool, serverName] of users) pool.renewTls({ ...renewed, serverName })
        },
        { clock, events },
      ),
    ),
  ].filter((one) => one !== undefined)
  return {
    check: () => {
      for (const one of watched) one.check()
    },
    close: () => {
      for (const one of watched) one.close()
    },
  }
}

/** When each certificate of the gateway ends, in seconds since the epoch, by the name that {@link CertificateEvents} has. */
export const certificateEnds = ({ listen, upstreams }: Watched): Readonly<Record<string, number>> =>
  Object.fromEntries(
    [
      ['listen', listen.tls?.certificate] as const,
      ...upstreams.map(({ resource, options }) => [upstreamName(resource.name), options.tls?.certificate] as const),
    ].flatMap(([name, certificate]) => (certificate === undefined ? [] : [[name, certificateNotAfter(certificate)]])),
  )

/** Upstreams whose `tls` names the same files. */
interface UpstreamSet {
  readonly tls: UpstreamTls
  readonly names: string[]
  /** With the name that is asked for there. */
  readonly pools: Map<CertificateDeps['pools'][number], string | undefined>
}

const upstreamName = (resource: string): string => `upstream:${resource}`

interface WithFiles {
  readonly certificate: string | undefined
  readonly files: Readonly<Record<string, string | undefined>>
}

const follow = <T extends WithFiles>(
  loaded: T,
  names: readonly string[],
  renew: (tls: T, readFile: ReadFile) => Renewed<T>,
  apply: (tls: T) => void,
  { clock, events }: Pick<CertificateDeps, 'clock' | 'events'>,
): WatchedFiles | undefined => {
  const files = Object.values(loaded.files).filter((file) => file !== undefined)
  if (files.length === 0) return undefined
  let current = loaded
  const kept = (fault: string): void => {
    for (const name of names) events.kept(name, fault)
  }
  return watchFiles(files, clock, (readFile) => {
    const renewed = renew(current, readFile)
    if (!renewed.ok) {
      kept(renewed.faults.join('; '))
      return
    }
    if (isDeepStrictEqual(renewed.value, current)) return
    try {
      apply(renewed.value)
    } catch {
      // It was looked at above, and what is good enough there should be here: no certificate may end the gateway.
      kept('OpenSSL refuses what the files hold')
      return
    }
    current = renewed.value
    const { certificate } = current
    const end = certificate === undefined ? undefined : certificateNotAfter(certificate)
    for (const name of names) events.changed(name, end)
  })
}
