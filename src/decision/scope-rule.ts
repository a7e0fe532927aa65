import type { Refusal } from './refusal.ts'
import type { AuthorizationDetailsRule, Resource, Rule } from './resource.ts'
import type { Step } from './step.ts'
import { scopesAt, type VerifiedToken } from './token.ts'

type TokenRule = Extract<Rule, { kind: 'token' }>

/** BR-13, BR-17: whole, case-sensitive values; all of `scopes`, and one of `anyScope` where that is given. */
export const judgeScopes = (
  { scopes, anyScope }: TokenRule,
  resource: Resource,
  token: VerifiedToken,
  step?: Step,
): Refusal | undefined => {
  const got = scopesAt(token, resource.audiences)
  const all = scopes.every((scope) => got.includes(scope))
  const any = anyScope.length === 0 || anyScope.some((scope) => got.includes(scope))
  step?.({ name: 'scope', expected: describeScopes(scopes, anyScope), found: got.join(' ') || 'none', ok: all && any })
  if (all && any) return undefined
  return { reason: 'scope_insufficient', required: scopes, anyOf: anyScope, got, details: undefined }
}

/**
 * RA-2: one element of `authorization_details` has the type, all of the actions, and a location that is this resource,
 * where it names any. An element of another type grants nothing and is no fault; neither is one whose members have
 * another JSON type than RFC 9396 section 2.2 says.
 */
export const judgeDetails = (
  rule: TokenRule,
  resource: Resource,
  token: VerifiedToken,
  step?: Step,
): Refusal | undefined => {
  const wanted = rule.authorizationDetails
  if (wanted === undefined) return undefined
  const fits = token.authorizationDetails.some((element) => grants(element, wanted, resource))
  const expected = describeDetails(wanted)
  const types = token.authorizationDetails.map((element) => typeOf(element) ?? '(no type)')
  step?.({ name: 'authorization details', expected, found: types.join(', ').slice(0, 200) || 'none', ok: fits })
  if (fits) return undefined
  // RFC 9396 has no error code for a resource server: it is missing authorization, like a scope (RA-3).
  const got = scopesAt(token, resource.audiences)
  return { reason: 'scope_insufficient', required: rule.scopes, anyOf: rule.anyScope, got, details: expected }
}

/**
 * The elements of `authorization_details` that may count at a route: those that name no location, and those that name
 * this resource or a location of the rule. What was granted elsewhere is not for this API to see (RFC 9396 section 14).
 */
export const detailsAt = (token: VerifiedToken, rule: Rule, { audiences }: Resource): readonly Detail[] => {
  const locations = rule.kind === 'token' ? (rule.authorizationDetails?.locations ?? []) : []
  return token.authorizationDetails.filter((element) => {
    const where = own(element, 'locations')
    return where === undefined || names(where, [...audiences, ...locations])
  })
}

type Detail = VerifiedToken['authorizationDetails'][number]

const grants = (element: Detail, wanted: AuthorizationDetailsRule, { audiences }: Resource): boolean => {
  if (typeOf(element) !== wanted.type) return false
  const allowed = own(element, 'actions')
  if (!wanted.actions.every((action) => names(allowed, [action]))) return false
  const where = own(element, 'locations')
  if (wanted.locations.length > 0) return names(where, wanted.locations)
  return where === undefined || names(where, audiences)
}

/** Whether a member of an element is a list that holds one of these, compared exactly (RI-4). */
const names = (list: unknown, words: readonly string[]): boolean =>
  Array.isArray(list) && words.some((word) => list.includes(word))

const typeOf = (element: Detail): string | undefined => {
  const type = own(element, 'type')
  return typeof type === 'string' ? type : undefined
}

const own = (element: Detail, name: string): unknown => (Object.hasOwn(element, name) ? element[name] : undefined)

const describeScopes = (scopes: readonly string[], anyScope: readonly string[]): string => {
  const parts = [
    scopes.length > 0 ? `all of: ${scopes.join(' ')}` : '',
    anyScope.length > 0 ? `one of: ${anyScope.join(' ')}` : '',
  ]
  return parts.filter((part) => part !== '').join('; ') || 'none needed'
}

const describeDetails = ({ type, actions, locations }: AuthorizationDetailsRule): string => {
  const parts = [
    `type ${type}`,
    actions.length > 0 ? `actions ${actions.join(' ')}` : '',
    locations.length > 0 ? `a location of ${locations.join(' ')}` : '',
  ]
  return parts.filter((part) => part !== '').join(', ')
}
