import { API, EXP, facts, IAT, introspectionJwt, logoutToken, opaque, type Vendor } from './vendor.ts'

const issuer = 'https://legacy.example.com'
const claims = { iss: issuer, aud: API, exp: EXP, iat: IAT, sub: 'alice', client_id: 'web', scope: 'orders:read' }
const says = facts({ scopes: ['orders:read'], subject: 'alice', client: 'web' })
const needs = { iss: 'claim_missing', aud: 'no audience', exp: 'claim_missing' } as const

/** No vendor: a server that signs access tokens and does not say in the header what they are. */
export const jwtVendor: Vendor = {
  profile: 'jwt',
  issuer,
  accessTokens: {
    'a plain JWT': { header: { typ: 'JWT' }, claims, says, needs, passes: ['jwt', 'auth0'] },
    'a JWT without typ': { header: {}, claims, says, needs, passes: ['jwt'] },
  },
  others: {
    'ID token': {
      header: { typ: 'JWT' },
      claims: { iss: issuer, aud: 'web', azp: 'web', exp: EXP, iat: IAT, sub: 'alice', nonce: 'n-of-the-login' },
    },
    'ID token without nonce': {
      header: {},
      claims: { iss: issuer, aud: 'web', exp: EXP, iat: IAT, sub: 'alice', auth_time: IAT },
    },
    'logout token': logoutToken(issuer, 'web'),
    'logout token without typ': logoutToken(issuer, 'web', {}),
    'introspection JWT': introspectionJwt(issuer, claims),
    'refresh token': opaque,
  },
}
