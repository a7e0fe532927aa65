/** `full`: too many calls are under way, and no place came free in time; `shut`: the last ones failed. */
export type Entered = 'open' | 'full' | 'shut'

/** What a call said of the issuer. `unknown`: nothing, as when it had not the time that a call has. */
export type Left = 'answered' | 'failed' | 'unknown'

/** Whether an issuer may be asked now: bounds what one issuer costs us, and what we cost it. */
export interface Gate {
  /** After `open`: ask, and call {@link left} afterwards. A promise where a place must be waited for. */
  enter(nowMs: number): Entered | Promise<Entered>
  left(how: Left, nowMs: number): void
  /** Nobody waits any longer. */
  close(): void
}

/** A flood of random tokens makes no more calls than this at a time (attacks 2.6 row 13). */
const mostCalls = 64
/** A burst of good tokens waits its turn; what a flood may make us keep ends here. */
const mostWaiting = 1024
/** After so many failures in a row… */
const mostFailures = 5
/** …nobody is asked for so long, and then one call tries (IN-9). */
export const pauseMs = 1000

/**
 * A concurrency bound with a queue, and a circuit breaker, in one.
 *
 * @param longestWaitMs half of what a question may take; for one in the queue, of which the first to come is the first to enter
 */
export const createGate = (longestWaitMs: number): Gate => {
  const waiting = new Set<(entered: Entered) => void>()
  let underWay = 0
  let failures = 0
  let shutUntil = 0
  let answeredAt = Number.NEGATIVE_INFINITY

  const wait = (): Promise<Entered> =>
    new Promise((resolve) => {
      const settle = (entered: Entered): void => {
        clearTimeout(timer)
        waiting.delete(settle)
        resolve(entered)
      }
      const timer = setTimeout(() => settle('full'), longestWaitMs)
      waiting.add(settle)
    })

  const dismiss = (): void => {
    for (const settle of waiting) settle('shut')
  }

  return {
    enter(nowMs) {
      if (failures >= mostFailures && (nowMs < shutUntil || underWay > 0)) return 'shut'
      if (underWay >= mostCalls) return waiting.size < mostWaiting ? wait() : 'full'
      underWay++
      return 'open'
    },
    left(how, nowMs) {
      underWay--
      // Under a queue every call has waited: where none was answered for as long as one may take, that says enough.
      const silent = nowMs - answeredAt > 2 * longestWaitMs
      if (how === 'answered') {
        failures = 0
        answeredAt = nowMs
      } else if (how === 'failed' || silent) {
        failures++
        shutUntil = nowMs + pauseMs
      }
      if (failures >= mostFailures) return dismiss()
      // The place is handed on before anybody who comes now can take it.
      const [next] = waiting
      if (next === undefined) return
      underWay++
      next('open')
    },
    close: dismiss,
  }
}
