import type { Match } from './match.ts'
import type { Refusal } from './refusal.ts'
import type { ClaimRule, ClaimValue } from './resource.ts'
import type { Step } from './step.ts'
import type { VerifiedToken } from './token.ts'

/** Every rule must hold: the claim equals one of its values, or is a list that contains one as a whole member. */
export const judgeClaims = (
  rules: readonly ClaimRule[],
  match: Match,
  token: VerifiedToken,
  step?: Step,
): Refusal | undefined => {
  for (const { claim, oneOf } of rules) {
    const expected = oneOf.map((value) => expectedValue(value, match))
    const got = claimAt(token.claims, claim)
    const fits = expected.some((value) => value !== undefined && holds(got, value))
    const texts = expected.map((value) => String(value))
    step?.({ name: `claim ${claim}`, expected: texts.join(' or '), found: describe(got), ok: fits })
    if (!fits) return { reason: 'claim_mismatch', claim, expected: texts, got: describe(got) }
  }
  return undefined
}

/**
 * The claim of that name, else the member that a path of names joined by dots leads to (`realm_access.roles`). A name
 * may itself hold dots (`https://example.com/roles`), so on every level the longest name that is there is taken. Own
 * members only (JO-28).
 */
export const claimAt = (claims: Readonly<Record<string, unknown>>, path: string): unknown => {
  if (Object.hasOwn(claims, path)) return claims[path]
  for (let dot = path.lastIndexOf('.'); dot > 0; dot = path.lastIndexOf('.', dot - 1)) {
    const name = path.slice(0, dot)
    if (!Object.hasOwn(claims, name)) continue
    const inner = claims[name]
    return isObject(inner) ? claimAt(inner, path.slice(dot + 1)) : undefined
  }
  return undefined
}

const expectedValue = (value: ClaimValue, match: Match): string | number | boolean | undefined =>
  value.kind === 'literal' ? value.value : match.parameters?.get(value.name)

/** Equal without conversion, or (AT-18) a list that contains it: as a member, or in the SCIM form as its `value`. */
const holds = (got: unknown, expected: string | number | boolean): boolean =>
  got === expected ||
  (Array.isArray(got) &&
    got.some(
      (member) =>
        member === expected || (isObject(member) && Object.hasOwn(member, 'value') && member.value === expected),
    ))

const isObject = (value: unknown): value is Readonly<Record<string, unknown>> =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

const describe = (got: unknown): string =>
  got === undefined ? 'absent' : (JSON.stringify(got) ?? typeof got).slice(0, 200)
