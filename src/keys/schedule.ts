import type { KeyOptions } from './options.ts'

export type Refresh = KeyOptions['refresh']

/**
 * For how long after the last success the keys serve. `max_stale: 0` keeps nothing beyond the regular interval.
 */
export const usableMs = ({ intervalMs, maxStaleMs }: Refresh): number => (maxStaleMs > 0 ? maxStaleMs : intervalMs)

/**
 * Delay after a success: the interval, or sooner when the answer's `max-age` says so, but not below a tenth of the
 * interval nor below the cooldown; in any case early enough to be repeated before the keys expire. Up to a fifth
 * is cut off at random, so that replicas spread out; never added, so that a rotation is seen within the interval.
 */
export const refreshDelay = (refresh: Refresh, maxAgeMs: number | undefined, random: () => number): number => {
  const { intervalMs, cooldownMs } = refresh
  const asked = Math.max(maxAgeMs ?? intervalMs, intervalMs / 10, cooldownMs)
  return Math.min(asked, intervalMs, usableMs(refresh) / 2) * (1 - random() / 5)
}

const shortestRetryMs = 500
const longestRetryMs = { empty: 30_000, serving: 300_000 }

/**
 * Delay after the n-th failure in a row (from 1): exponential with full jitter. Without usable keys from half a second
 * to 30 s; while stale keys serve, from the cooldown to 5 min, so that what random `kid`s cause and what the schedule
 * causes stay together at one fetch per cooldown (attacks 2.6 row 10).
 */
export const retryDelay = (refresh: Refresh, failures: number, serving: boolean, random: () => number): number => {
  const least = serving ? Math.max(refresh.cooldownMs, shortestRetryMs) : shortestRetryMs
  const most = serving ? longestRetryMs.serving : longestRetryMs.empty
  const ceiling = Math.max(least, Math.min(most, least * 2 ** Math.min(failures, 20)))
  return least + random() * (ceiling - least)
}
