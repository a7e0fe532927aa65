/**
 * Milliseconds that processors spent on the work, all threads of this process together: one run where that is below the
 * limit, else the least of four. Waiting for a processor that is busy with something else is not counted, so the limit is
 * for the work and not for the machine; the clock behind it may be as coarse as 10 ms, and limits have to be far above it.
 */
export const cpuCost = async (limitMs: number, work: () => unknown): Promise<number> => {
  let least = Infinity
  for (let run = 0; run < 4 && least >= limitMs; run++) {
    const before = process.cpuUsage()
    await work()
    const { user, system } = process.cpuUsage(before)
    least = Math.min(least, (user + system) / 1000)
  }
  return least
}
