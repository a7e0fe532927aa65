/**
 * Checks and decryptions that are done on other threads because they take long. Bounded, all kinds of work together: those
 * threads look up names and read files for everybody else, and whoever waits holds a request (attacks 2.6 row 12).
 */
export interface Aside {
  /** The promise of the work; undefined: too much is under way, and it was not begun. */
  run<T>(work: () => Promise<T>): Promise<T> | undefined
}

/** With four threads on two cores some 35 ms of P-521 signatures, the slowest there are: no wait that anyone notices. */
export const MOST_ASIDE = 64

export const createAside = (atMost: number): Aside => {
  let underWay = 0
  return {
    run(work) {
      if (underWay >= atMost) return undefined
      underWay++
      // Async, so that what throws at once has ended too.
      return (async () => work())().finally(() => {
        underWay--
      })
    },
  }
}
