/** How many calls in a row may wait in vain, and how long nobody is made to wait then. */
const FAILURES = 5
const SKIP_MS = 1000

/**
 * Spares requests the wait for a store that does not answer: after five calls in a row without an answer it is not asked
 * for a second, then by one call at a time until one is answered. Answers that are errors, and the end of the
 * connection, count as answers: they come at once, so that nobody waits for them.
 */
export interface Breaker {
  /** Whether to ask now. True obliges to report one of the two below. */
  allows(): boolean
  answered(): void
  unanswered(): void
}

/** @param monotonic milliseconds that only grow */
export const createBreaker = (monotonic: () => number): Breaker => {
  let failures = 0
  let skipUntil = 0
  let trying = false

  return {
    allows() {
      if (failures < FAILURES) return true
      if (trying || monotonic() < skipUntil) return false
      trying = true
      return true
    },
    answered() {
      failures = 0
      trying = false
    },
    unanswered() {
      trying = false
      failures++
      if (failures >= FAILURES) skipUntil = monotonic() + SKIP_MS
    },
  }
}
