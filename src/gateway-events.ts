import type { IssuerEvents } from './issuers.ts'
import type { KeyState } from './keys/key-source.ts'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { Readiness, ReadinessReport } from './observe/readiness.ts'
import type { StoreEvents } from './store/store.ts'

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
