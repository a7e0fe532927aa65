import { API, EXP, facts, IAT, introspectionJwt, logoutToken, opaque, type Vendor } from './vendor.ts'

const issuer = 'https://shop.logto.example/oidc'
const client = 'g2tn0u7gukkbdf2s5q9q1'
const claims = {
  jti: 'mOd1Hj6xBkyVhQzF9qO3x',
  sub: 'foo1w7mlkjdb',
  iat: IAT,
  exp: EXP,
  scope: 'orders:read orders:write',
  client_id: client,
  iss: issuer,
  aud: API,
}
const needs = {
  iss: 'claim_missing',
  sub: 'claim_missing',
  aud: 'no audience',
  exp: 'claim_missing',
  iat: 'claim_missing',
  jti: 'claim_missing',
  client_id: 'claim_missing',
} as const

/** Logto, https://docs.logto.io/authorization/validate-access-tokens: tokens for an API resource. */
export const logtoVendor: Vendor = {
  profile: 'logto',
  issuer,
  accessTokens: {
    'Logto, user in an organization': {
      header: { typ: 'at+jwt' },
      claims: { ...claims, organization_id: 'r9k2w0m1z4t7' },
      says: facts({ scopes: ['orders:read', 'orders:write'], subject: 'foo1w7mlkjdb', client }),
      needs,
      passes: ['rfc9068', 'logto', 'auth0', 'jwt'],
    },
    'Logto, machine': {
      header: { typ: 'at+jwt' },
      claims: { ...claims, sub: client },
      says: facts({ scopes: ['orders:read', 'orders:write'], subject: client, client }),
      needs,
      passes: ['rfc9068', 'logto', 'auth0', 'jwt'],
    },
  },
  others: {
    'ID token': {
      header: { typ: 'JWT' },
      claims: {
        sub: 'foo1w7mlkjdb',
        name: 'Alice',
        picture: null,
        username: 'alice',
        at_hash: 'sIPGAMqCTmrSA4TpVOzZCvE_bqmM4tqk',
        aud: client,
        exp: EXP,
        iat: IAT,
        iss: issuer,
      },
    },
    'logout token': logoutToken(issuer, client),
    'introspection JWT': introspectionJwt(issuer, claims),
    'refresh token': opaque,
  },
}
