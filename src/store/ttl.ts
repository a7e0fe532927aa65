/** A year: no mark and no value of a gateway is needed longer, and Redis refuses what would overflow its clock. */
const LONGEST_MS = 31_536_000_000

/**
 * A lifetime that every store takes: whole milliseconds, at least one, at most a year. What is zero, negative or no
 * number was over before it began, and counts for the shortest time there is.
 */
export const lifetimeMs = (ttlMs: number): number => (ttlMs > 1 ? Math.min(Math.ceil(ttlMs), LONGEST_MS) : 1)
