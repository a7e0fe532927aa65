import type { EjectionOptions } from './options.ts'
import type { Ending } from './pool.ts'

/** Which replicas of one upstream are left out for a while, because requests to them failed. */
export interface Ejection {
  /**
   * What became of a request to the replica (its index).
   *
   * @returns because of this one it is out from now on, for so many milliseconds
   */
  outcome(replica: number, outcome: Ending): number | undefined
  isOut(replica: number): boolean
}

/** The time out doubles from one ejection to the next, up to so many times the first. */
const longest = 10

/**
 * `failures` failed requests in a row put a replica out for `durationMs`. Then it is in again, and a single failure more
 * puts it out for twice as long; an answer forgives everything. One replica is always in, however it does: a bad answer
 * is better than none. Without a timer; only a failure that could put a replica out looks at the others.
 *
 * @param now milliseconds that only grow
 */
export const createEjection = (options: EjectionOptions, replicas: number, now: () => number): Ejection => {
  const failures = new Uint32Array(replicas)
  const ejections = new Uint32Array(replicas)
  // 0: not out, and no clock need be read to know.
  const outUntil = new Float64Array(replicas)

  const isOut = (replica: number): boolean => {
    const until = outUntil[replica] ?? 0
    return until !== 0 && now() < until
  }
  const forgive = (replica: number): void => {
    failures[replica] = 0
    ejections[replica] = 0
    // An answer to an old request does not end the time out.
    if (outUntil[replica] !== 0 && !isOut(replica)) outUntil[replica] = 0
  }
  const isLast = (replica: number): boolean => outUntil.every((_, other) => other === replica || isOut(other))

  return {
    isOut,
    outcome: (replica, outcome) => {
      if (outcome === 'abandoned') return undefined
      if (outcome === 'answered') {
        forgive(replica)
        return undefined
      }
      // Those that were in flight when it was put out say nothing new.
      if (isOut(replica)) return undefined
      const count = Math.min((failures[replica] ?? 0) + 1, options.failures)
      failures[replica] = count
      if (count < options.failures || isLast(replica)) return undefined
      const before = ejections[replica] ?? 0
      ejections[replica] = before + 1
      const outMs = options.durationMs * Math.min(2 ** before, longest)
      outUntil[replica] = now() + outMs
      return outMs
    },
  }
}
