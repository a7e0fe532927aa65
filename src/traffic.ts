import { setTimeout } from 'node:timers/promises'
import type { Log } from './observe/log.ts'
import type { Metrics } from './observe/metrics.ts'
import type { RecordSink } from './observe/record.ts'

/** The requests and tunnels of a gateway, counted and told. */
export interface Traffic {
  readonly opened: () => void
  readonly closed: RecordSink
  /** A request became a tunnel; `closed` tells of its end. */
  readonly tunnelled: () => void
  /** Resolves when nothing is open, or after a second: the last records come a little after what ended them. */
  over(): Promise<void>
}

export const createTraffic = (
  metrics: Pick<Metrics, 'opened' | 'closed' | 'tunnelOpened' | 'tunnelClosed' | 'record'>,
  log: Pick<Log, 'request'>,
): Traffic => {
  let open = 0
  let emptied = (): void => undefined
  return {
    opened: () => {
      open++
      metrics.opened()
    },
    closed: (finished) => {
      open--
      // Nothing else ends with 101.
      if (finished.status === 101) metrics.tunnelClosed()
      else metrics.closed()
      metrics.record(finished)
      log.request(finished)
      if (open === 0) emptied()
    },
    tunnelled: metrics.tunnelOpened,
    over: async () => {
      const told = new Promise<void>((resolve) => {
        emptied = resolve
      })
      if (open > 0) await Promise.race([told, setTimeout(lastWordsMs, undefined, { ref: false })])
    },
  }
}

/** For how long the last records are waited for. */
const lastWordsMs = 1000
