/** `kid`s that a fresh set did not have. Bounded: random ones push each other out. */
export interface UnknownKids {
  /** Whether this `kid` may cause a fetch now. */
  mayAsk(kid: string, now: number): boolean
  /** The set that was just fetched does not have it. */
  missed(kid: string, now: number): void
}

const mostKids = 1_000

/**
 * A client that goes on sending a token of a retired key must not use up the fetch that a real rotation needs
 * (attacks 1.10): each time a `kid` was looked for in vain it waits twice as long, from the cooldown up to the refresh
 * interval, after which the regular refresh has looked anyway. Holds strings of bounded length only (JO-9).
 */
export const createUnknownKids = (cooldownMs: number, intervalMs: number): UnknownKids => {
  const waits = new Map<string, { readonly until: number; readonly waitMs: number }>()
  return {
    mayAsk: (kid, now) => now >= (waits.get(kid)?.until ?? now),
    missed: (kid, now) => {
      const before = waits.get(kid)
      if (before !== undefined && now < before.until) return
      const waitMs = before === undefined ? cooldownMs : Math.min(before.waitMs * 2, Math.max(intervalMs, cooldownMs))
      waits.delete(kid)
      waits.set(kid, { until: now + waitMs, waitMs })
      if (waits.size <= mostKids) return
      for (const oldest of waits.keys()) {
        waits.delete(oldest)
        return
      }
    },
  }
}
