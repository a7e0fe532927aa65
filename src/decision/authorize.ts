import type { Match } from './match.ts'
import { type Outcome, type Refusal, refuse } from './refusal.ts'
import type { ClaimRule, ClaimValue, Resource, Rule } from './resource.ts'
import type { Step } from './step.ts'
import { claimOf, type VerifiedToken } from './token.ts'

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
  readonly credential: string
}

/**
 * The whole policy for a proven token, on every request and never cached (RI-12): issuer, expiry, audience, sender
 * constraint, scope, claims, in this order. Does not prove the token: signature and claims' syntax are the verifier's.
 *
 * @param now seconds since the epoch
 * @param toleranceSeconds the issuer's clock tolerance, for `exp`
 */
export const authorize = (
  candidate: Candidate,
  token: VerifiedToken,
  now: number,
  toleranceSeconds: number,
  step?: Step,
): Outcome<Grant> => {
  const { match, rule } = candidate
  const refusal =
    judgeIssuer(match.resource, token, step) ??
    judgeExpiry(token, now, toleranceSeconds, step) ??
    judgeAudience(match.resource, token, step) ??
    judgeSender(token, step) ??
    judgeScopes(rule, token, step) ??
    judgeClaims(rule.claims, match, token, step)
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

/** DP-12, MT-2, CN-1: a bound token without its proof must not pass as a bearer token, whatever the method. */
const judgeSender = (token: VerifiedToken, step?: Step): Refusal | undefined => {
  const methods = token.confirmation
  step?.({
    name: 'sender constraint',
    expected: 'an unbound bearer token',
    found: methods ? `bound by ${methods.join(', ') || 'nothing known'}` : 'unbound',
    ok: methods === undefined,
  })
  return methods ? { reason: 'proof_missing', methods } : undefined
}

/** BR-13, BR-17: whole, case-sensitive values; all of `scopes`, and one of `anyScope` where that is given. */
const judgeScopes = (rule: Candidate['rule'], token: VerifiedToken, step?: Step): Refusal | undefined => {
  const { scopes, anyScope } = rule
  const got = token.scopes
  const all = scopes.every((scope) => got.includes(scope))
  const any = anyScope.length === 0 || anyScope.some((scope) => got.includes(scope))
  step?.({ name: 'scope', expected: describeScopes(scopes, anyScope), found: got.join(' ') || 'none', ok: all && any })
  return all && any ? undefined : { reason: 'scope_insufficient', required: scopes, anyOf: anyScope, got }
}

const describeScopes = (scopes: readonly string[], anyScope: readonly string[]): string => {
  const parts = [
    scopes.length > 0 ? `all of: ${scopes.join(' ')}` : '',
    anyScope.length > 0 ? `one of: ${anyScope.join(' ')}` : '',
  ]
  return parts.filter((part) => part !== '').join('; ') || 'none needed'
}

const judgeClaims = (
  rules: readonly ClaimRule[],
  match: Match,
  token: VerifiedToken,
  step?: Step,
): Refusal | undefined => {
  for (const { claim, oneOf } of rules) {
    const expected = oneOf.map((value) => expectedValue(value, match))
    const got = claimOf(token, claim)
    const fits = expected.some((value) => value !== undefined && holds(got, value))
    const texts = expected.map((value) => String(value))
    step?.({ name: `claim ${claim}`, expected: texts.join(' or '), found: describe(got), ok: fits })
    if (!fits) return { reason: 'claim_mismatch', claim, expected: texts, got: describe(got) }
  }
  return undefined
}

const expectedValue = (value: ClaimValue, match: Match): string | number | boolean | undefined =>
  value.kind === 'literal' ? value.value : match.parameters?.get(value.name)

/** Equal without conversion, or (AT-18) a list that contains it as a whole member. */
const holds = (got: unknown, expected: string | number | boolean): boolean =>
  got === expected || (Array.isArray(got) && got.includes(expected))

const describe = (got: unknown): string =>
  got === undefined ? 'absent' : (JSON.stringify(got) ?? typeof got).slice(0, 200)
