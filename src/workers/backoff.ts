/** A worker that has lived so long did not end of its start. */
export const steadyMs = 10_000

/**
 * How long to wait before a worker is started again that ended so many times without having lived {@link steadyMs}: what
 * ends at once, again and again, must not take the processor from the others.
 */
export const backoffMs = (failures: number): number =>
  failures <= 1 ? firstMs : Math.min(firstMs * 2 ** (failures - 1), mostMs)

const firstMs = 250
const mostMs = 30_000
