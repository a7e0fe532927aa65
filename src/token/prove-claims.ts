import type { Outcome } from '../decision/refusal.ts'
import { pass, refuse } from '../decision/refusal.ts'
import type { VerifiedToken } from '../decision/token.ts'
import { readClaims } from './claims.ts'
import type { JsonObject } from './json.ts'
import type { Profile } from './profile/profile.ts'
import type { Proof, TrustedIssuer } from './proof.ts'
import { lifetimeOf, timeRefusal } from './times.ts'

/**
 * The last steps of every kind of token: required claims and their types, then the times. Refuses with `claim_missing`,
 * `token_malformed`, `token_expired`, `token_not_yet_valid` or `token_too_old`. Takes the claims for the issuer's word:
 * whoever calls this has checked the signature over them, or got them from the issuer itself.
 *
 * @param profile the one in force, with the overrides of the config
 * @param generation `generationOf(trusted)` from before the proof of origin began
 */
export const proveClaims = (
  trusted: TrustedIssuer,
  claims: JsonObject,
  profile: Profile,
  now: number,
  generation: number,
): Outcome<Proof> => {
  const read = readClaims(claims, profile)
  if (!read.ok) return read
  const { dates, ...facts } = read.value
  const untimely = timeRefusal(dates, trusted.token, now)
  if (untimely !== undefined) return refuse(untimely)
  const verified: VerifiedToken = { issuer: trusted.name, iss: trusted.issuer, ...facts, expiresAt: dates.exp, claims }
  return pass({
    outcome: { ok: true, value: verified },
    lifetime: lifetimeOf(dates, trusted.token),
    generation,
  })
}
