import type { JsonObject } from '../json.ts'
import { mediaType } from '../media-type.ts'
import { shown } from '../shown.ts'
import type { Profile, WrongKind } from './profile.ts'

/**
 * Media types of JWTs that are never access tokens, as {@link import('../media-type.ts').mediaType} gives them: from the
 * IANA registry and the drafts that ask for explicit typing (RFC 8725 section 3.11). `application/jwt` says nothing.
 */
const FOREIGN_TYPES: ReadonlySet<string> = new Set(
  [
    'authorization-grant+jwt',
    'client-authentication+jwt',
    'dc+sd-jwt',
    'dpop+jwt',
    'eat+jwt',
    'entity-statement+jwt',
    'explicit-registration-response+jwt',
    'id',
    'id+jwt',
    'id_token',
    'id_token+jwt',
    'jwk-set+jwt',
    'kb+jwt',
    'keybinding+jwt',
    'logout',
    'logout+jwt',
    'logout_token',
    'oauth-authz-req+jwt',
    'oauth-client-attestation+jwt',
    'oauth-client-attestation-pop+jwt',
    'oauth-id-jag+jwt',
    'offline',
    'openid4vci-proof+jwt',
    'passport',
    'refresh',
    'refresh_token',
    'resolve-response+jwt',
    'rt+jwt',
    'sd-jwt',
    'secevent+jwt',
    'statuslist+jwt',
    'token-introspection+jwt',
    'trust-mark+jwt',
    'trust-mark-delegation+jwt',
    'txntoken+jwt',
    'vc+jwt',
    'vc+sd-jwt',
    'verifier-attestation+jwt',
    'vp+jwt',
    'wallet-attestation+jwt',
  ].map((type) => `application/${type}`),
)

export const AT_JWT = 'application/at+jwt'
export const PLAIN_JWT = 'application/jwt'

/** Whether this media type names another kind of JWT. */
export const isForeignType = (type: string): boolean => FOREIGN_TYPES.has(type)

/** Whether `typ` is one of these media types; `undefined` among them: it may be absent. */
export const isType = (typ: unknown, accepted: readonly (string | undefined)[]): boolean =>
  typ === undefined ? accepted.includes(undefined) : typeof typ === 'string' && accepted.includes(mediaType(typ))

/** The refusal of a `typ` that is not accepted. It names the kind too where the claims betray it, for the operator. */
export const wrongType = (expected: string, typ: unknown, kind: string | undefined): WrongKind => {
  const declared = typ === undefined ? 'none' : shown(typ)
  return { expected, got: kind === undefined ? declared : `${declared}, ${kind}` }
}

/** The judgement of a profile that accepts these types, and in them every token whose claims betray no other `kind`. */
export const judgeKind = (
  expected: string,
  typ: unknown,
  accepted: readonly (string | undefined)[],
  kind: string | undefined,
): WrongKind | undefined => {
  if (!isType(typ, accepted)) return wrongType(expected, typ, kind)
  return kind === undefined ? undefined : { expected, got: kind }
}

/** Claims of OpenID Connect Core that only an ID token has. `sid` is one too, but some servers put it in every token. */
export const ID_TOKEN_CLAIMS = ['nonce', 'at_hash', 'c_hash', 's_hash'] as const

/** What some claim that no access token has betrays this token to be, or undefined. */
export const foreignMark = (claims: JsonObject, idTokenClaims: readonly string[]): string | undefined => {
  if ('events' in claims) return 'logout token or security event'
  if ('token_introspection' in claims) return 'introspection response'
  const mark = idTokenClaims.find((name) => name in claims)
  return mark === undefined ? undefined : `ID token: it has ${mark}`
}

/**
 * What the claims alone betray this token to be, or undefined. An ID token is signed with the same keys as an access
 * token and may carry the API among its audiences, so its claims are all there is to tell (AT-3, AT-20).
 */
export const foreignKind = (
  claims: JsonObject,
  profile: Profile,
  idTokenClaims: readonly string[] = [...ID_TOKEN_CLAIMS, 'sid'],
): string | undefined => foreignMark(claims, idTokenClaims) ?? declaredKind(claims) ?? clientAudience(claims, profile)

/** Keycloak and Cognito say what a token is in a claim: believed under any profile where it names another kind. */
const declaredKind = (claims: JsonObject): string | undefined => {
  for (const claim of ['typ', 'token_use'] as const) {
    const value = claims[claim]
    if (typeof value === 'string' && isForeignType(mediaType(value))) return kindOf(claim, value)
  }
  return undefined
}

/** What a claim that declares the kind of a token says that it is. */
export const kindOf = (claim: 'typ' | 'token_use', value: unknown): string => {
  const isIdToken = typeof value === 'string' && value.toLowerCase() === 'id'
  return `${isIdToken ? 'ID token' : 'another kind'}: its claim ${claim} is ${shown(value)}`
}

const clientAudience = (claims: JsonObject, profile: Profile): string | undefined => {
  const audience: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  const clients = [...profile.client, 'azp'].map((name) => claims[name])
  const forClient = clients.some((client) => client !== undefined && audience.includes(client))
  return forClient ? 'ID token: its audience is the client' : undefined
}

/** ID tokens name neither their client nor scopes by these claims; an access token has one of them (AT-3). */
export const noneOf = (claims: JsonObject, names: readonly string[]): string | undefined =>
  names.some((name) => claims[name] !== undefined)
    ? undefined
    : `ID token or another kind: ${names.length === 1 ? `no ${names[0]}` : `neither ${names.join(' nor ')}`}`

/** The claims that name the client or scopes in the profile in force. */
export const namesOf = (profile: Profile): readonly string[] => [
  ...profile.client,
  ...profile.scopes.map(({ claim }) => claim),
]
