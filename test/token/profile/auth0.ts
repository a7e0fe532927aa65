import { API, EXP, facts, IAT, introspectionJwt, logoutToken, opaque, type Vendor } from './vendor.ts'

const issuer = 'https://shop.eu.auth0.example/'
const client = 'K1AUPhZq8mRi0Q0pjhkfu1D7y6KjDQja'
const subject = 'auth0|6553da60a54af58e29493993'
const audience = [API, `${issuer}userinfo`]

const user = {
  iss: issuer,
  sub: subject,
  aud: audience,
  iat: IAT,
  exp: EXP,
  scope: 'openid profile orders:read',
  permissions: ['orders:read', 'orders:delete'],
}
const scopes = ['openid', 'profile', 'orders:read', 'orders:delete']
const needs = {
  iss: 'claim_missing',
  sub: 'claim_missing',
  aud: 'no audience',
  exp: 'claim_missing',
  iat: 'claim_missing',
} as const

const idToken = {
  nickname: 'alice',
  name: 'alice@example.com',
  updated_at: '2026-01-01T00:00:00.000Z',
  iss: issuer,
  aud: client,
  sub: subject,
  iat: IAT,
  exp: EXP,
}

/** Auth0, https://auth0.com/docs/secure/tokens/access-tokens/access-token-profiles: both dialects. */
export const auth0Vendor: Vendor = {
  profile: 'auth0',
  issuer,
  accessTokens: {
    'Auth0, own dialect': {
      header: { typ: 'JWT' },
      claims: { ...user, azp: client },
      says: facts({ audience, scopes, subject, client }),
      needs: { ...needs, azp: 'claim_missing' },
      passes: ['auth0', 'jwt'],
    },
    'Auth0, own dialect, machine': {
      header: { typ: 'JWT' },
      claims: {
        iss: issuer,
        sub: `${client}@clients`,
        aud: API,
        iat: IAT,
        exp: EXP,
        scope: 'orders:read',
        gty: 'client-credentials',
        azp: client,
      },
      says: facts({ scopes: ['orders:read'], subject: `${client}@clients`, client }),
      needs: { ...needs, azp: 'claim_missing' },
      passes: ['auth0', 'jwt'],
    },
    'Auth0, RFC 9068 dialect': {
      header: { typ: 'at+jwt' },
      claims: { ...user, jti: '73WakrfVbNJBaAmhQtEeDv', client_id: client },
      says: facts({ audience, scopes, subject, client }),
      needs: { ...needs, client_id: 'claim_missing' },
      passes: ['rfc9068', 'logto', 'auth0', 'jwt'],
    },
  },
  others: {
    'ID token': { header: { typ: 'JWT' }, claims: { ...idToken, sid: 'session-1', nonce: 'n-of-the-login' } },
    'ID token without nonce and sid': { header: { typ: 'JWT' }, claims: idToken },
    'logout token': logoutToken(issuer, client),
    'introspection JWT': introspectionJwt(issuer, user),
    'refresh token': opaque,
  },
}
