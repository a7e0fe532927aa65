/** Time as the key sources see it; injected, so that a test can be a day long without taking one. */
export interface Clock {
  /** Milliseconds since the epoch. */
  now(): number
  /** Calls `run` once after the delay, unless the function returned was called before. Does not keep the process alive. */
  after(delayMs: number, run: () => void): () => void
}

/** Node fires a longer timer at once. */
const longestTimerMs = 2 ** 31 - 1

/** The clock of production. */
export const systemClock: Clock = {
  now: Date.now,
  after: (delayMs, run) => {
    const timer = setTimeout(run, Math.min(delayMs, longestTimerMs))
    timer.unref()
    return () => clearTimeout(timer)
  },
}
