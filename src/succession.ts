import { certificateEnds, renewedCertificates } from './certificates.ts'
import type { Config, Issuer } from './config/config.ts'
import { changesOf } from './config-changes.ts'
import { reloadTold } from './gateway-events.ts'
import { createGeneration, type Generation, type Lasting } from './generation.ts'
import type { Listener } from './http/listener.ts'
import type { ListenOptions } from './http/options.ts'
import { type IssuerInUse, succeed } from './issuers-in-use.ts'
import type { Clock } from './keys/clock.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Readiness } from './observe/readiness.ts'
import { keepRestartOnly } from './restart-only.ts'
import type { TokenCache } from './token/cache.ts'
import type { sharedPools } from './upstream/shared-pools.ts'
import type { Tunnels } from './upstream/tunnel.ts'

export interface SuccessionDeps {
  readonly current: () => Generation
  /** From here on requests meet this one. */
  readonly swap: (next: Generation) => void
  /** Begins to load the keys of an issuer. */
  readonly begin: (issuer: Issuer, before: IssuerInUse | undefined) => IssuerInUse
  readonly lasting: Lasting
  readonly listener: Pick<Listener, 'setCertificate' | 'setTrusted'>
  readonly metrics: Pick<Metrics, 'issuersAdded' | 'issuersRemoved' | 'reloaded' | 'reloadFailed'>
  readonly readiness: Pick<Readiness, 'follow'>
  readonly tokens: Pick<TokenCache, 'flush'>
  readonly pools: ReturnType<typeof sharedPools>
  readonly tunnels: Pick<Tunnels, 'review'>
  readonly clock: Pick<Clock, 'after'>
  readonly log: Log
  /** A bug of ours. */
  readonly failed: (error: unknown) => void
}

/** One generation after the other, and the end of what none of them has any more. */
export interface Succession {
  /** As `Gateway.reload`. */
  reload(next: Config): Promise<boolean>
  /** As `Gateway.refreshKeys`. */
  refreshKeys(): Promise<void>
  /** The end of the gateway: no reload has an effect any more, and all issuers are closed. */
  closeIssuers(): Promise<void>
  /** Cuts all connections to upstreams. */
  destroyPools(): Promise<void>
}

/** Parts that are the same before and after go on; those that are not end with the last request that has them. */
export const createSuccession = (deps: SuccessionDeps): Succession => {
  const { current, swap, begin, lasting, listener, metrics, readiness, tokens, pools, tunnels, clock, log } = deps
  /** All that have requests, or may get them. */
  const living = new Set<Generation>([current()])
  let closed = false

  /** Ends what only this one still had. */
  const end = (gone: Generation): void => {
    if (closed || !living.delete(gone)) return
    const others = [...living]
    const unused = gone.inUse.filter((one) => !others.some(({ inUse }) => inUse.includes(one)))
    for (const one of unused) void one.close()
    for (const pool of gone.pools) {
      if (!others.some(({ pools }) => pools.has(pool))) void pool.destroy()
    }
  }

  const setListener = (before: ListenOptions, next: ListenOptions): void => {
    listener.setTrusted(next.trustedProxies)
    const { tls } = next
    if (tls === undefined || isSameIdentity(before.tls, tls)) return
    try {
      listener.setCertificate(tls)
    } catch {
      // It was looked at when it was loaded, and what is good enough there should be here: none may end the gateway.
      log.logger.error({ certificate: 'listen', detail: 'OpenSSL refuses what the files hold' }, 'certificate kept')
    }
  }

  /** Keys of the issuers that are new, and what changed in files: within a bound, for nobody waits for an issuer. */
  const warm = async (begun: readonly IssuerInUse[], all: readonly IssuerInUse[], files: ReadonlySet<string>) => {
    const loading = [
      ...begun.map(({ running }) => running.started),
      ...all.map(({ running }) => running.reloadFiles(files)),
    ]
    let late = (): void => undefined
    const cancel = clock.after(warmMs, () => late())
    await Promise.race([
      Promise.all(loading),
      new Promise<void>((resolve) => {
        late = resolve
      }),
    ])
    cancel()
  }

  const replace = async (loaded: Config): Promise<void> => {
    if (closed) return
    const before = current()
    const { config, kept } = keepRestartOnly(before.config, loaded)
    const changes = changesOf(before.config, config)
    const { all, begun, gone } = succeed(before.inUse, config.issuers, begin)
    metrics.issuersAdded(begun.map(({ options }) => options.name))
    const warmed = warm(begun, all, changes.files)
    // What is gone is void at once: it waits for nobody who is new. Requests wait for their keys then.
    const isOnlyMore = changes.removed.length === 0 && changes.changed.length === 0
    if (isOnlyMore) await warmed
    if (closed) {
      await Promise.all(begun.map((one) => one.close()))
      return
    }
    const next = createGeneration(config, all, lasting, before)
    living.add(next)
    swap(next)
    for (const one of gone) {
      one.mute()
      tokens.flush(one.options.name)
    }
    metrics.issuersRemoved(namesOf(gone).filter((name) => !next.issuers.has(name)))
    metrics.reloaded({ configHash: config.hash, certificates: certificateEnds(config) })
    readiness.follow(new Map(all.map(({ options, running }) => [options.name, running.keys.state])))
    setListener(before.config.listen, config.listen)
    pools.keep(next.pools)
    let tunnelsClosed = tunnels.review()
    if (!isOnlyMore) {
      await warmed
      if (closed) return
      // Files of keys are read by now.
      tunnelsClosed += tunnels.review()
    }
    const renewed = renewedCertificates(before.config, config)
    reloadTold(log, { config, kept, changes, renewed, tunnelsClosed })
    // Not within what may be the end of a request.
    before.retire(() => setImmediate(end, before))
  }

  let work = Promise.resolve(true)
  return {
    reload: (next) => {
      // One after the other: each is compared with the one before.
      work = work
        .then(() => replace(next))
        .then(() => true)
        .catch((error: unknown) => {
          metrics.reloadFailed()
          deps.failed(error)
          return false
        })
      return work
    },
    refreshKeys: async () => {
      const issuers = [...current().issuers.values()]
      await Promise.all(issuers.map((issuer) => issuer.reload()))
      for (const { name, keys } of issuers) {
        const { state, keys: count, lastError } = keys.report()
        log.logger.info({ issuer: name, state, keys: count, detail: lastError }, 'keys loaded again')
      }
      tunnels.review()
    },
    closeIssuers: async () => {
      closed = true
      const all = new Set([...living].flatMap(({ inUse }) => inUse))
      await Promise.all([...all].map((one) => one.close()))
    },
    destroyPools: async () => {
      const all = new Set([...living].flatMap((one) => [...one.pools]))
      await Promise.all([...all].map((pool) => pool.destroy()))
    },
  }
}

/** For so long a reload waits for the keys of new issuers. Then their tokens are `keys_unavailable` until they are here. */
const warmMs = 3000

const namesOf = (issuers: readonly IssuerInUse[]): readonly string[] => issuers.map(({ options }) => options.name)

const isSameIdentity = (
  before: ListenOptions['tls'],
  { certificate, key, clientCa }: NonNullable<ListenOptions['tls']>,
) => before?.certificate === certificate && before.key === key && before.clientCa === clientCa
