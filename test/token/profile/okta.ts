import { API, EXP, facts, IAT, introspectionJwt, logoutToken, opaque, type Vendor } from './vendor.ts'

const issuer = 'https://shop.okta.example/oauth2/default'
const client = '0oa2yrbf35Vcbom491t7'
const user = {
  ver: 1,
  jti: 'AT.0mP4JKAZX1iACIT4vbEDF7LpvDVjxypPMf0D7uX39RE',
  iss: issuer,
  aud: API,
  iat: IAT,
  exp: EXP,
  cid: client,
  uid: '00uk1u7AsAk6dZL3z0g3',
  scp: ['openid', 'profile', 'orders:read'],
  auth_time: IAT - 5,
  sub: 'alice@example.com',
}
const says = facts({
  scopes: ['openid', 'profile', 'orders:read'],
  subject: 'alice@example.com',
  client,
  authTime: IAT - 5,
})
const needs = {
  iss: 'claim_missing',
  sub: 'claim_missing',
  aud: 'no audience',
  exp: 'claim_missing',
  iat: 'claim_missing',
  jti: 'claim_missing',
  cid: 'claim_missing',
} as const
const idToken = {
  sub: '00uk1u7AsAk6dZL3z0g3',
  name: 'Alice Example',
  ver: 1,
  iss: issuer,
  aud: client,
  iat: IAT,
  exp: EXP,
  jti: 'ID.radCQMOQUmyvcTBmmIL0J6BaS60apUEiC7-vI7pOmkw',
  amr: ['pwd'],
  idp: '00ok1u7AsAkrwdZL3z0g3',
  preferred_username: 'alice@example.com',
  auth_time: IAT - 5,
}

/** Okta, https://developer.okta.com/docs/api/openapi/okta-oauth: a custom authorization server. */
export const oktaVendor: Vendor = {
  profile: 'okta',
  issuer,
  accessTokens: {
    'Okta, user': { header: {}, claims: user, says, needs, passes: ['okta'] },
    'Okta, user, header JWT': { header: { typ: 'JWT' }, claims: user, says, needs, passes: ['okta'] },
    'Okta, machine': {
      header: {},
      claims: {
        ver: 1,
        jti: 'AT.Hkm1Xy9u1qqy1ObvTFxTGnb0sM8Y8mM6bEZ7cUdDY6A',
        iss: issuer,
        aud: API,
        iat: IAT,
        exp: EXP,
        cid: client,
        scp: ['orders:read'],
        sub: client,
      },
      says: facts({ scopes: ['orders:read'], subject: client, client }),
      needs,
      passes: ['okta'],
    },
  },
  others: {
    'ID token': { header: {}, claims: { ...idToken, nonce: 'n-of-the-login', at_hash: 'fPlsvVszI29LU2UhDyJ9vg' } },
    'ID token without nonce and at_hash': { header: {}, claims: idToken },
    'logout token': logoutToken(issuer, client),
    'logout token without typ': logoutToken(issuer, client, {}),
    'token for Okta itself': { header: { typ: 'application/okta-internal-at+jwt' }, claims: user },
    'introspection JWT': introspectionJwt(issuer, user),
    'refresh token': opaque,
  },
}
