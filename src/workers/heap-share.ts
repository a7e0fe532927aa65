const option = /^--max[-_]old[-_]space[-_]size[-_]percentage(?:=(.*))?$/

/**
 * The flags of Node for a worker: a heap that was given as a part of the container's memory is that part for all workers
 * together. Without that flag, and with a size in MiB, which is that of each, nothing changes.
 *
 * @param flags those of this process
 * @param fromEnvironment `NODE_OPTIONS`, which counts where the flags say nothing
 */
export const heapShare = (
  flags: readonly string[],
  fromEnvironment: string | undefined,
  workers: number,
): readonly string[] => {
  const all = [...(fromEnvironment ?? '').split(/\s+/), ...flags]
  const percentage = all.reduce<number | undefined>((found, flag, index) => {
    const match = option.exec(flag)
    return match ? Number(match[1] ?? all[index + 1]) : found
  }, undefined)
  if (percentage === undefined || !(percentage > 0)) return flags
  return [...flags, `--max-old-space-size-percentage=${Math.round((percentage / workers) * 100) / 100}`]
}
