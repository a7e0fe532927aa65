import type { Outcome } from '../decision/refusal.ts'
import { pass, refuse } from '../decision/refusal.ts'
import type { JsonObject } from './json.ts'
import { malformed } from './malformed.ts'
import type { Profile } from './profile/profile.ts'
import { isStringArray } from './scopes.ts'
import type { Dates } from './times.ts'

/** JO-20: more than any real token has; RI-10 advises one audience. */
export const MAX_AUDIENCES = 100
export const MAX_SCOPES = 1000

/** The year 5138 in seconds. Milliseconds of today are beyond it: they would make a token that never ends (AT-10). */
const DATE_END = 1e11

/** The claims that Audgate reads, typed. */
export interface ReadClaims {
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  readonly subject: string
  readonly client: string
  readonly confirmation: readonly string[] | undefined
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
  const audience = audienceOf(claims.aud)
  if (audience === undefined) return malformed('claims: aud is neither a string nor an array of strings')
  if (audience.length > MAX_AUDIENCES) return malformed('claims: aud has too many members')
  const scopes = profile.scopes.flatMap(({ claim, read }) => read(claims[claim]))
  if (scopes.length > MAX_SCOPES) return malformed('claims: too many scopes')
  if ('cnf' in claims && !isObject(claims.cnf)) return malformed('claims: cnf is not an object')
  return pass({
    audience,
    scopes,
    subject: textOf(claims.sub),
    client: textOf(profile.client.map((name) => claims[name]).find((value) => value !== undefined)),
    // Even an empty `cnf` binds: what is bound to a key we cannot name must not pass as a bearer token (CN-1).
    confirmation: isObject(claims.cnf) ? Object.keys(claims.cnf) : undefined,
    dates: { exp: dateOf(claims.exp) ?? 0, nbf: dateOf(claims.nbf), iat: dateOf(claims.iat) },
  })
}

/** The first required claim that is absent. An empty `sub` or `client_id` names nobody and counts as absent. */
const missingClaim = (claims: JsonObject, profile: Profile): string | undefined => {
  if (claims.exp === undefined) return 'exp'
  const absent = (name: string): boolean => claims[name] === undefined || claims[name] === ''
  if (profile.clientRequired && profile.client.every(absent)) return profile.client[0]
  return profile.required.find(absent)
}

/** RI-5. `null` counts as absent: a token without audience, which never passes. */
const audienceOf = (aud: unknown): readonly string[] | undefined => {
  if (aud === undefined || aud === null) return []
  if (typeof aud === 'string') return [aud]
  return isStringArray(aud) ? aud : undefined
}

const isObject = (value: unknown): value is object =>
  typeof value === 'object' && value !== null && !Array.isArray(value)

/** A finite JSON number in a sane range: `1e400` is Infinity here and would outlive every comparison (AT-10). */
const isDate = (value: unknown): value is number => typeof value === 'number' && value >= 0 && value < DATE_END

const dateOf = (value: unknown): number | undefined => (isDate(value) ? value : undefined)

const textOf = (value: unknown): string => (typeof value === 'string' ? value : '')
