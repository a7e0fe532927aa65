import type { Refusal } from '../decision/refusal.ts'

/** NumericDates: seconds since the epoch, fractions allowed (RFC 7519 section 2). */
export interface Dates {
  readonly exp: number
  readonly nbf: number | undefined
  readonly iat: number | undefined
}

/** From `validFrom` on, and before `endsAt`, a token counts; the clock tolerance is in both. */
export interface Lifetime {
  readonly validFrom: number
  readonly endsAt: number
}

/** The same two instants that {@link timeRefusal} judges by, so that a cached token ends when a fresh one would. */
export const lifetimeOf = ({ exp, nbf, iat }: Dates, toleranceSeconds: number): Lifetime => ({
  validFrom: Math.max(nbf ?? 0, iat ?? 0) - toleranceSeconds,
  endsAt: exp + toleranceSeconds,
})

/**
 * What is wrong with these dates now: `token_expired` from `exp` plus tolerance on (AT-8: equal is expired), or
 * `token_not_yet_valid` before `nbf` (AT-9) or `iat` (AT-11) less tolerance. Ours and not jose's, which rounds the clock
 * down to whole seconds, lets a far-future `iat` pass, and is not asked again for a cached token.
 */
export const timeRefusal = ({ exp, nbf, iat }: Dates, toleranceSeconds: number, now: number): Refusal | undefined => {
  if (now >= exp + toleranceSeconds) return { reason: 'token_expired', expiredAt: exp, now }
  if (nbf !== undefined && now < nbf - toleranceSeconds) {
    return { reason: 'token_not_yet_valid', claim: 'nbf', validFrom: nbf, now }
  }
  if (iat !== undefined && now < iat - toleranceSeconds) {
    return { reason: 'token_not_yet_valid', claim: 'iat', validFrom: iat, now }
  }
  return undefined
}
