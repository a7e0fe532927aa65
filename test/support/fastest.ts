/** Milliseconds of the fastest of five runs: what the work costs, whatever else the machine is doing. */
export const fastest = (work: () => void): number => {
  let best = Infinity
  for (let run = 0; run < 5; run++) {
    const start = performance.now()
    work()
    best = Math.min(best, performance.now() - start)
  }
  return best
}
