import type { Outcome } from '../decision/refusal.ts'
import { pass, refuse } from '../decision/refusal.ts'
import type { Confirmation } from '../decision/token.ts'
import type { JsonObject } from './json.ts'
import { malformed } from './malformed.ts'
import type { Profile } from './profile/profile.ts'
import { isStringArray, splitScopes } from './scopes.ts'
import type { Dates } from './times.ts'

/** JO-20: more than any real token has; RI-10 advises one audience. */
export const MAX_AUDIENCES = 100
export const MAX_SCOPES = 1000
export const MAX_DETAILS = 100

/** The year 5138 in seconds. Milliseconds of today are beyond it: they would make a token that never ends (AT-10). */
const DATE_END = 1e11

/** The claims that Audgate reads, typed. */
export interface ReadClaims {
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  readonly subject: string
  readonly client: string
  readonly scopesByAudience: ReadonlyMap<string, readonly string[]> | undefined
  readonly authTime: number | undefined
  readonly acr: string | undefined
  readonly authorizationDetails: readonly Readonly<Record<string, unknown>>[]
  readonly confirmation: Confirmation | undefined
  readonly dates: Dates
}

/**
 * Reads proven claims as the profile says. Refuses with `claim_missing` (AT-4; an absent `aud` passes as an empty list,
 * for `authorize` to refuse as `audience_missing`) or `token_malformed` where a claim has another JSON type than it must.
 * Does not compare the dates with a clock, nor the audience with a resource. Unknown claims pass (AT-13).
 */
export const readClaims = (claims: JsonObject, profile: Profile): Outcome<ReadClaims> => {
  const missing = missingClaim(claims, profile)
  if (missing !== undefined) return refuse({ reason: 'claim_missing', claim: missing })
  for (const name of ['exp', 'nbf', 'iat']) {
    if (name in claims && !isDate(claims[name])) return malformed(`claims: ${name} is not a NumericDate`)
  }
  for (const name of ['sub', 'jti', ...profile.client]) {
    if (name in claims && typeof claims[name] !== 'string') return malformed(`claims: ${name} is not a string`)
  }
  const written = profile.scopes.flatMap(({ claim, read }) => read(claims[claim]))
  if (written.length > MAX_SCOPES) return malformed('claims: too many scopes')
  const { plain: scopes, byAudience } = profile.scopesArePrefixed
    ? splitScopes(new Set(written))
    : { plain: [...new Set(written)], byAudience: undefined }
  // Only where the claim is absent: an issuer that writes `aud`, however empty, has said what it meant.
  const audience =
    byAudience !== undefined && claims.aud === undefined ? [...byAudience.keys()] : audienceOf(claims.aud)
  if (audience === undefined) return malformed('claims: aud is neither a string nor an array of strings')
  if (audience.length > MAX_AUDIENCES) return malformed('claims: aud has too many members')
  const confirmation = confirmationOf(claims.cnf)
  if (!confirmation.ok) return confirmation
  const details = detailsOf(claims.authorization_details)
  if (!details.ok) return details
  return pass({
    audience,
    scopes,
    subject: textOf(claims.sub),
    client: textOf(profile.client.map((name) => claims[name]).find((value) => !isAbsent(value))),
    scopesByAudience: byAudience,
    authTime: dateOf(claims.auth_time),
    acr: typeof claims.acr === 'string' ? claims.acr : undefined,
    authorizationDetails: details.value,
    confirmation: confirmation.value,
    dates: { exp: dateOf(claims.exp) ?? 0, nbf: dateOf(claims.nbf), iat: dateOf(claims.iat) },
  })
}

/** The first required claim that is absent. An empty `sub` or `client_id` names nobody and counts as absent. */
const missingClaim = (claims: JsonObject, profile: Profile): string | undefined => {
  if (claims.exp === undefined) return 'exp'
  const absent = (name: string): boolean => isAbsent(claims[name])
  if (profile.clientRequired && profile.client.every(absent)) return profile.client[0]
  return profile.required.find(absent)
}

const isAbsent = (value: unknown): boolean => value === undefined || value === ''

/** RI-5. `null` counts as absent: a token without audience, which never passes. */
const audienceOf = (aud: unknown): readonly string[] | undefined => {
  if (aud === undefined || aud === null) return []
  if (typeof aud === 'string') return [aud]
  return isStringArray(aud) ? aud : undefined
}

/** A finite JSON number in a sane range: `1e400` is Infinity here and would outlive every comparison (AT-10). */
const isDate = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < DATE_END

const dateOf = (value: unknown): number | undefined => (isDate(value) ? value : undefined)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')

/**
 * RFC 7800. Even an empty `cnf` binds, and so does an empty thumbprint, which none can equal: what is bound to a key that
 * we cannot name must not pass as a bearer token (CN-1).
 */
const confirmationOf = (value: unknown): Outcome<Confirmation | undefined> => {
  if (value === undefined) return pass(undefined)
  const cnf = membersOf(value)
  if (cnf === undefined) return malformed('claims: cnf is not an object')
  const { jkt, 'x5t#S256': certificate } = cnf
  if (!isTextOrAbsent(jkt)) return malformed('claims: cnf.jkt is not a string')
  if (!isTextOrAbsent(certificate)) return malformed('claims: cnf.x5t#S256 is not a string')
  return pass({ methods: Object.keys(cnf), jkt, certificate })
}

/** RA-1. What an element means is judged by the route; one of an unknown type grants nothing and is no fault (RA-2). */
const detailsOf = (value: unknown): Outcome<ReadClaims['authorizationDetails']> => {
  if (value === undefined) return pass([])
  if (!Array.isArray(value)) return malformed('claims: authorization_details is not an array')
  if (value.length > MAX_DETAILS) return malformed('claims: authorization_details has too many elements')
  const elements = value.map(membersOf).filter((element) => element !== undefined)
  if (elements.length < value.length) return malformed('claims: authorization_details holds what is not an object')
  return pass(elements)
}

const isTextOrAbsent = (value: unknown): value is string | undefined => value === undefined || typeof value === 'string'

/** The members of a JSON object, without a prototype (JO-28); undefined: it is none. */
const membersOf = (value: unknown): JsonObject | undefined =>
  typeof value === 'object' && value !== null && !Array.isArray(value)
    ? Object.assign(Object.create(null), value)
    : undefined
