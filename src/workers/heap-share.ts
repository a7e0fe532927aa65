const option = /^--max[-_]old[-_]space[-_]size[-_]percentage(?:=(.*))?$/

/**
 * The flags of Node for a worker: a heap that was given as a part of the container's memory is that part for all workers
 * and the supervisor together, as far as it can be: the supervisor runs already, with all of it. Without that flag, and
 * with a size in MiB, which is that of each, nothing changes.
 *
 * @param flags those of this process
 * @param fromEnvironment `NODE_OPTIONS`, which counts where the flags say nothing
 */
export const heapShare = (
  flags: readonly string[],
  fromEnvironment: string | undefined,
  workers: number,
): readonly string[] => {
  const percentage = percentageOf(flags, fromEnvironment)
  if (percentage === undefined) return flags
  return [...flags, `--max-old-space-size-percentage=${Math.round((percentage / (workers + 1)) * 100) / 100}`]
}

/** As {@link heapShare}: which part of the heap of this process a worker has. */
export const partOfHeap = (flags: readonly string[], fromEnvironment: string | undefined, workers: number): number =>
  percentageOf(flags, fromEnvironment) === undefined ? 1 : 1 / (workers + 1)

const percentageOf = (flags: readonly string[], fromEnvironment: string | undefined): number | undefined => {
  const all = [...(fromEnvironment ?? '').split(/\s+/), ...flags]
  const percentage = all.reduce<number | undefined>((found, flag, index) => {
    const match = option.exec(flag)
    return match ? Number(match[1] ?? all[index + 1]) : found
  }, undefined)
  return percentage !== undefined && percentage > 0 ? percentage : undefined
}
