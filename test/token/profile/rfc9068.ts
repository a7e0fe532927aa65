import { API, EXP, facts, IAT, introspectionJwt, logoutToken, opaque, type Vendor } from './vendor.ts'

const issuer = 'https://as.example.com'
const claims = {
  iss: issuer,
  sub: '5ba552d67',
  aud: API,
  exp: EXP,
  iat: IAT,
  jti: 'dbe39bf3a3ba4238a513f51d6e1691c4',
  client_id: 's6BhdRkqt3',
  scope: 'openid profile orders:read',
}

/** RFC 9068 section 2.2, with the example of section 3. */
export const rfc9068Vendor: Vendor = {
  profile: 'rfc9068',
  issuer,
  accessTokens: {
    'RFC 9068': {
      header: { typ: 'at+jwt' },
      claims: { ...claims, auth_time: IAT - 100, acr: 'urn:example:gold', amr: ['pwd'] },
      says: facts({
        scopes: ['openid', 'profile', 'orders:read'],
        subject: '5ba552d67',
        client: 's6BhdRkqt3',
        authTime: IAT - 100,
        acr: 'urn:example:gold',
      }),
      needs: {
        iss: 'claim_missing',
        sub: 'claim_missing',
        aud: 'no audience',
        exp: 'claim_missing',
        iat: 'claim_missing',
        jti: 'claim_missing',
        client_id: 'claim_missing',
      },
      passes: ['rfc9068', 'logto', 'auth0', 'jwt'],
    },
  },
  others: {
    'ID token': {
      header: { typ: 'JWT' },
      claims: { iss: issuer, sub: '5ba552d67', aud: 's6BhdRkqt3', exp: EXP, iat: IAT, nonce: 'n-0S6_WzA2Mj' },
    },
    'logout token': logoutToken(issuer, 's6BhdRkqt3'),
    'introspection JWT': introspectionJwt(issuer, claims),
    'refresh token': opaque,
  },
}
