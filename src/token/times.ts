import type { Refusal } from '../decision/refusal.ts'
import type { TokenOptions } from './options.ts'

/** NumericDates: seconds since the epoch, fractions allowed (RFC 7519 section 2). */
export interface Dates {
  readonly exp: number
  readonly nbf: number | undefined
  readonly iat: number | undefined
}

/** What the config says of the times of an issuer's tokens. */
export type TimeLimits = Pick<TokenOptions, 'clockToleranceSeconds' | 'maxTokenAgeSeconds'>

/** From `validFrom` on, and before `endsAt`, a token counts; the clock tolerance is in both. */
export interface Lifetime {
  readonly validFrom: number
  readonly endsAt: number
}

/** The same instants that {@link timeRefusal} judges by, so that a cached token ends when a fresh one would. */
export const lifetimeOf = (
  { exp, nbf, iat }: Dates,
  { clockToleranceSeconds: tolerance, maxTokenAgeSeconds: maxAge }: TimeLimits,
): Lifetime => ({
  validFrom: Math.max(nbf ?? 0, iat ?? 0) - tolerance,
  endsAt: Math.min(exp, maxAge === undefined || iat === undefined ? exp : iat + maxAge) + tolerance,
})

/**
 * What is wrong with these dates now: `token_expired` from `exp` plus tolerance on (AT-8: equal is expired),
 * `token_not_yet_valid` before `nbf` (AT-9) or `iat` (AT-11) less tolerance, or `token_too_old` from `iat` plus the
 * longest age plus tolerance on, however far away `exp` is; `claim_missing` where an age is asked for and `iat` does not
 * say it. Ours and not jose's, which rounds the clock down to whole seconds, lets a far-future `iat` pass, and is not
 * asked again for a cached token.
 */
export const timeRefusal = (
  { exp, nbf, iat }: Dates,
  { clockToleranceSeconds: tolerance, maxTokenAgeSeconds: maxAge }: TimeLimits,
  now: number,
): Refusal | undefined => {
  if (maxAge !== undefined && iat === undefined) return { reason: 'claim_missing', claim: 'iat' }
  if (now >= exp + tolerance) return { reason: 'token_expired', expiredAt: exp, now }
  if (nbf !== undefined && now < nbf - tolerance) {
    return { reason: 'token_not_yet_valid', claim: 'nbf', validFrom: nbf, now }
  }
  if (iat !== undefined && now < iat - tolerance) {
    return { reason: 'token_not_yet_valid', claim: 'iat', validFrom: iat, now }
  }
  if (maxAge !== undefined && iat !== undefined && now >= iat + maxAge + tolerance) {
    return { reason: 'token_too_old', issuedAt: iat, maxAgeSeconds: maxAge, now }
  }
  return undefined
}
