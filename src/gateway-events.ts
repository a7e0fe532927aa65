import type { Config } from './config/config.ts'
import { type ConfigChanges, shortened } from './config-changes.ts'
import type { Dropped } from './http/connection-limits.ts'
import type { IssuerEvents } from './issuers.ts'
import type { Clock } from './keys/clock.ts'
import type { KeyState } from './keys/key-source.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Readiness, ReadinessReport } from './observe/readiness.ts'
import type { StoreEvents } from './store/store.ts'
import type { PoolEvents } from './upstream/pool.ts'

/** The warnings of a config, to the log. */
export const warningsOf = ({ file, warnings }: Pick<Config, 'file' | 'warnings'>, log: Log): void => {
  for (const { line, column, message } of warnings) log.logger.warn({ file, line, column }, message)
}

/** What came of a reload. */
export interface ReloadReport {
  readonly config: Pick<Config, 'file' | 'hash' | 'warnings'>
  /** Keys of the file whose new value takes a restart. */
  readonly kept: readonly string[]
  readonly changes: ConfigChanges
  /** Names of certificates that are others now. */
  readonly renewed: readonly string[]
  readonly tunnelsClosed: number
}

/** A reload, to the log: what there is to warn about, and one line that says what is different. */
export const reloadTold = (log: Log, { config, kept, changes, renewed, tunnelsClosed }: ReloadReport): void => {
  warningsOf(config, log)
  for (const key of kept) log.logger.warn({ key }, 'another value takes a restart: the old one is kept')
  for (const certificate of renewed) log.logger.info({ certificate }, 'certificate loaded again')
  const { added, removed, changed, files } = changes
  log.logger.info(
    {
      config: config.hash,
      added: shortened(added),
      removed: shortened(removed),
      changed: shortened(changed),
      files: shortened([...files]),
      tunnels_closed: tunnelsClosed,
    },
    'config reloaded',
  )
}

/** A bug of ours that was caught, to the log. */
export const faultEvent =
  (log: Log) =>
  (error: unknown, requestId?: string): void =>
    log.logger.error(
      { request_id: requestId, error: error instanceof Error ? (error.stack ?? error.name) : 'unknown' },
      'internal',
    )

/** The report of readiness whenever it is asked for; what it says goes to metrics, the first time of being ready to the log. */
export const readinessReporter = (
  readiness: Pick<Readiness, 'report'>,
  metrics: Pick<Metrics, 'setReady'>,
  log: Log,
): (() => ReadinessReport) => {
  let ready = false
  return () => {
    const report = readiness.report()
    metrics.setReady(report.ok)
    if (report.ok && !ready) {
      // Ready without all keys is ready with a warning (operations: the cold-start rule).
      if (report.reasons.length === 0) log.logger.info('ready')
      else log.logger.warn({ detail: report.reasons.join('; ') }, 'ready')
      ready = true
    }
    return report
  }
}

/** What the pools report, to the log; how replicas are is asked for at each scrape. */
export const poolEvents = (log: Log): PoolEvents => ({
  health: ({ name }, healthy, detail) => {
    if (healthy) log.logger.info({ upstream: name, detail }, 'upstream healthy')
    else log.logger.warn({ upstream: name, detail }, 'upstream unhealthy')
  },
  ejected: ({ name }) => log.logger.warn({ upstream: name }, 'upstream ejected'),
})

/**
 * Connections that were not let in, to the log: there may be thousands a second, so the first is told at once, and then
 * one line tells of all that came in {@link droppedEveryMs}. `close` tells what is not told yet.
 */
export const droppedConnections = (
  log: Log,
  after: Clock['after'],
): { readonly dropped: (why: Dropped) => void; readonly close: () => void } => {
  const untold = new Map<Dropped, { count: number; readonly cancel: () => void }>()
  const tell = (why: Dropped, count: number): void =>
    log.logger.warn({ limit: `listen.limits.${why}`, count }, 'connections dropped')
  const wait = (why: Dropped): void => {
    untold.set(why, { count: 0, cancel: after(droppedEveryMs, () => over(why)) })
  }
  const over = (why: Dropped): void => {
    const count = untold.get(why)?.count ?? 0
    untold.delete(why)
    if (count === 0) return
    tell(why, count)
    wait(why)
  }
  return {
    dropped: (why) => {
      const seen = untold.get(why)
      if (seen) {
        seen.count++
        return
      }
      tell(why, 1)
      wait(why)
    },
    close: () => {
      for (const [why, { count, cancel }] of untold) {
        cancel()
        if (count > 0) tell(why, count)
      }
      untold.clear()
    },
  }
}

const droppedEveryMs = 10_000

/** What the store reports, to metrics and log. */
export const storeEvents = (metrics: Metrics, log: Log): StoreEvents => ({
  operation: metrics.store.storeEvents.operation,
  connection: (state, detail) => {
    if (state === 'connected') log.logger.info({ detail }, 'store connected')
    else log.logger.warn({ detail }, 'store lost')
  },
  refused: (op, detail) => {
    if (detail === undefined) log.logger.info({ op }, 'store takes it again')
    else log.logger.warn({ op, detail }, 'store refuses')
  },
})

/**
 * What issuers report, to metrics and log.
 *
 * @param keysChanged told after every attempt to load keys; the state is undefined where only the decryption keys have
 *   changed
 */
export const issuerEvents = (
  metrics: Metrics,
  log: Log,
  keysChanged: (issuer: string, state: KeyState | undefined) => void,
): IssuerEvents => ({
  keys: keyEvents(metrics, log, keysChanged),
  introspection: {
    introspected: metrics.introspected,
    warned: (issuer, message) => log.logger.warn({ issuer, detail: message }, 'introspection'),
    credentialsRefused: (issuer, message) => log.logger.error({ issuer, detail: message }, 'introspection'),
    degraded: () => metrics.store.degraded('introspection', 'miss'),
  },
})

const keyEvents = (
  metrics: Metrics,
  log: Log,
  changed: (issuer: string, state: KeyState | undefined) => void,
): IssuerEvents['keys'] => {
  const last = new Map<string, KeyState>()
  return {
    fetched: (issuer, result, message) => {
      metrics.keyEvents.fetched(issuer, result)
      if (result === 'ok' || result === 'not_modified') log.logger.debug({ issuer, result }, 'keys fetched')
      else log.logger.warn({ issuer, result, detail: message }, 'keys not fetched')
    },
    stateChanged: (issuer, report) => {
      metrics.keyEvents.stateChanged(issuer, report)
      // Told after every attempt; the log wants to know of changes only.
      if (last.get(issuer) !== report.state) {
        log.logger.info({ issuer, state: report.state, keys: report.keys }, 'key state')
      }
      last.set(issuer, report.state)
      changed(issuer, report.state)
    },
    unknownKid: metrics.keyEvents.unknownKid,
    keyDropped: (issuer, kid, why) => log.logger.warn({ issuer, kid, detail: why }, 'key not used'),
    warned: (issuer, message) => log.logger.warn({ issuer, detail: message }, 'issuer'),
    decryptionChanged: (issuer) => {
      log.logger.info({ issuer }, 'decryption keys loaded')
      changed(issuer, undefined)
    },
  }
}
