import { judgeClaims } from './claim-rule.ts'
import type { Scheme } from './credentials.ts'
import type { Match } from './match.ts'
import { type Outcome, type Refusal, refuse } from './refusal.ts'
import type { Resource, Rule } from './resource.ts'
import { judgeDetails, judgeScopes } from './scope-rule.ts'
import { judgeSender, type Sender } from './sender.ts'
import type { Step } from './step.ts'
import { judgeAuthentication } from './step-up.ts'
import type { VerifiedToken } from './token.ts'

declare const granted: unique symbol

/**
 * The permission to send one request to the upstream of one resource. {@link authorize} is its only maker: it exists
 * only where a proven token carries that resource's audience and everything that the route asks for.
 */
export interface Grant {
  readonly [granted]: true
  readonly match: Match
  readonly token: VerifiedToken
}

/** A matched request with a token that is still to be judged. */
export interface Candidate {
  readonly match: Match
  readonly rule: Extract<Rule, { kind: 'token' }>
  readonly scheme: Scheme
  readonly credential: string
}

declare const addressed: unique symbol

/**
 * A proven token that was made for the very resource that the request matched; what it permits there is still to be
 * judged. {@link address} is its only maker: for no other token is a proof of possession looked at, and remembered.
 */
export interface Addressed {
  readonly [addressed]: true
  readonly candidate: Candidate
  readonly token: VerifiedToken
}

/**
 * The first half of the policy for a proven token, on every request and never cached (RI-12): issuer, expiry, audience.
 * Does not prove the token: signature and claims' syntax are the verifier's.
 *
 * @param now seconds since the epoch
 * @param toleranceSeconds the issuer's clock tolerance, for `exp`
 */
export const address = (
  candidate: Candidate,
  token: VerifiedToken,
  now: number,
  toleranceSeconds: number,
  step?: Step,
): Outcome<Addressed> => {
  const { resource } = candidate.match
  const refusal =
    judgeIssuer(resource, token, step) ??
    judgeExpiry(token, now, toleranceSeconds, step) ??
    judgeAudience(resource, token, step)
  // The one cast that makes an Addressed; nothing else in the house can.
  return refusal ? refuse(refusal) : { ok: true, value: { candidate, token } as Addressed }
}

/**
 * The second half, on every request: sender constraint, scope, authorization details, claims, step-up, in this order
 * (contract section 4).
 *
 * @param sender what the request shows of who sent it
 * @param toleranceSeconds the issuer's clock tolerance, for `auth_time`
 */
export const authorize = (
  { candidate: { match, rule, scheme }, token }: Addressed,
  sender: Sender,
  now: number,
  toleranceSeconds: number,
  step?: Step,
): Outcome<Grant> => {
  const refusal =
    judgeSender({ scheme, senderConstrained: rule.senderConstrained }, token, sender, step) ??
    judgeScopes(rule, match.resource, token, step) ??
    judgeDetails(rule, match.resource, token, step) ??
    judgeClaims(rule.claims, match, token, step) ??
    judgeAuthentication(rule, token, now, toleranceSeconds, step)
  return refusal ? refuse(refusal) : { ok: true, value: grant(match, token) }
}

// The one cast that makes a Grant; nothing else in the house can.
const grant = (match: Match, token: VerifiedToken): Grant => ({ match, token }) as Grant

/** AT-5, AT-6: a token of an issuer that does not count at this resource is no token here. */
const judgeIssuer = (resource: Resource, token: VerifiedToken, step?: Step): Refusal | undefined => {
  const trusted = resource.issuers.includes(token.issuer)
  step?.({ name: 'issuer', expected: resource.issuers.join(' or '), found: token.issuer, ok: trusted })
  return trusted
    ? undefined
    : { reason: 'issuer_untrusted', expected: resource.issuers, got: token.iss, audience: token.audience }
}

/** AT-8: the moment before `exp` is the last good one. A cached token ends here too. */
const judgeExpiry = (token: VerifiedToken, now: number, toleranceSeconds: number, step?: Step): Refusal | undefined => {
  const alive = now < token.expiresAt + toleranceSeconds
  step?.({
    name: 'expiry',
    expected: `before ${token.expiresAt} (+${toleranceSeconds} s)`,
    found: String(now),
    ok: alive,
  })
  return alive ? undefined : { reason: 'token_expired', expiredAt: token.expiresAt, now }
}

/** RI-4, RI-6, RI-8: exact strings, at least one in common; no hierarchy, no normalisation, no default. */
const judgeAudience = (resource: Resource, token: VerifiedToken, step?: Step): Refusal | undefined => {
  const expected = resource.audiences
  const meant = token.audience.some((audience) => expected.includes(audience))
  step?.({ name: 'audience', expected: expected.join(' or '), found: token.audience.join(', ') || 'none', ok: meant })
  if (meant) return undefined
  return token.audience.length === 0
    ? { reason: 'audience_missing', expected }
    : { reason: 'audience_mismatch', expected, got: token.audience }
}
