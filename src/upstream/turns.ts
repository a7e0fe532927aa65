/** Runs what it is given when its turn has come. */
export type InTurn = <T>(run: () => Promise<T>) => Promise<T>

/** No more than `atMost` run at a time; the others wait in order of arrival, as long as it takes. */
export const createTurns = (atMost: number): InTurn => {
  const waiting: (() => void)[] = []
  let running = 0
  return async (run) => {
    if (running < atMost) running++
    // Whoever is over hands its place on.
    else await new Promise<void>((resolve) => waiting.push(resolve))
    try {
      return await run()
    } finally {
      const next = waiting.shift()
      if (next) next()
      else running--
    }
  }
}
