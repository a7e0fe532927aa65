import type { Clock } from '../../src/keys/clock.ts'

export interface ManualClock extends Clock {
  /** Moves time on and runs what falls due on the way, in order. */
  advance(ms: number): void
  /** Milliseconds from now to each callback that waits, soonest first. */
  waiting(): readonly number[]
}

/** A clock that stands still until it is told to move. */
export const createManualClock = (start = 1_800_000_000_000): ManualClock => {
  let time = start
  const timers = new Set<{ readonly at: number; readonly run: () => void }>()
  const due = () => [...timers].sort((a, b) => a.at - b.at)
  return {
    now: () => time,
    after: (delayMs, run) => {
      const timer = { at: time + delayMs, run }
      timers.add(timer)
      return () => timers.delete(timer)
    },
    advance: (ms) => {
      const end = time + ms
      for (let next = due()[0]; next !== undefined && next.at <= end; next = due()[0]) {
        time = Math.max(time, next.at)
        timers.delete(next)
        next.run()
      }
      time = end
    },
    waiting: () => due().map(({ at }) => at - time),
  }
}
