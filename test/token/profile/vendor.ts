import type { VerifiedToken } from '../../../src/decision/token.ts'
import type { TokenOptions } from '../../../src/token/options.ts'
import { base64url, mint, NOW, type TestKey } from '../../support/tokens.ts'

export type ProfileName = TokenOptions['profile']

export const PROFILE_NAMES = [
  'rfc9068',
  'logto',
  'keycloak',
  'auth0',
  'entra',
  'okta',
  'cognito',
  'jwt',
] as const satisfies readonly ProfileName[]

/** The API of the examples. */
export const API = 'https://api.example.com/orders'

/** When the example tokens were issued, and when they end. */
export const IAT = NOW - 60
export const EXP = NOW + 3540

/** A JWT as a server writes it. `alg` and `kid` are those of the test key, unless the header names others. */
export interface Shape {
  readonly header: Readonly<Record<string, unknown>>
  readonly claims: Readonly<Record<string, unknown>>
}

/** What a proven token says beyond what its issuer and its dates say. */
export type Facts = Omit<VerifiedToken, 'issuer' | 'iss' | 'expiresAt' | 'claims'>

export interface AccessShape extends Shape {
  readonly says: Facts
  /** Claims without which it is no good token, and the word for that; without any other claim it is one. */
  readonly needs: Readonly<Record<string, 'claim_missing' | 'token_type_wrong' | 'no audience'>>
  /** Every profile that this token passes under: its own, and those that contract section 3 leaves open to it. */
  readonly passes: readonly ProfileName[]
}

/** The tokens of one kind of authorization server, in the shape of its documentation. */
export interface Vendor {
  readonly profile: ProfileName
  readonly issuer: string
  readonly accessTokens: Readonly<Record<string, AccessShape>>
  /** What the same server signs with the same keys, or hands out, and is no access token. A string is a whole token. */
  readonly others: Readonly<Record<string, Shape | string>>
}

export const facts = (given: Partial<Facts>): Facts => ({
  audience: [API],
  scopes: [],
  subject: '',
  client: '',
  scopesByAudience: undefined,
  authTime: undefined,
  acr: undefined,
  authorizationDetails: [],
  confirmation: undefined,
  ...given,
})

/** Signed as it is; nothing is added but what the key is. */
export const signed = ({ header, claims }: Shape, key: TestKey): string =>
  mint({
    key,
    header: JSON.stringify({ alg: key.alg, kid: key.kid, ...header }),
    claims: JSON.stringify(claims),
  })

/** A back-channel logout token, as OpenID Connect Back-Channel Logout 1.0 has it. */
export const logoutToken = (
  issuer: string,
  client: string,
  header: Readonly<Record<string, unknown>> = { typ: 'logout+jwt' },
): Shape => ({
  header,
  claims: {
    iss: issuer,
    sub: 'alice',
    aud: client,
    iat: IAT,
    exp: IAT + 120,
    jti: 'logout-1',
    sid: 'session-1',
    events: { 'http://schemas.openid.net/event/backchannel-logout': {} },
  },
})

/** A signed introspection response about a good token, as RFC 9701 has it. */
export const introspectionJwt = (issuer: string, about: Readonly<Record<string, unknown>>): Shape => ({
  header: { typ: 'token-introspection+jwt' },
  claims: { iss: issuer, aud: API, iat: IAT, token_introspection: { active: true, ...about } },
})

/** Not a JWT, nor anything else that could be read here. */
export const opaque = base64url('a refresh token that only its server can read')
