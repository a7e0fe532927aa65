/** Milliseconds of work that this thread did meanwhile: unlike a clock, blind to what else the machine does. */
export const threadMs = (work: () => void): number => {
  const before = process.threadCpuUsage()
  work()
  const { user, system } = process.threadCpuUsage(before)
  return (user + system) / 1000
}
