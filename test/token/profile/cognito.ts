import { base64url } from '../../support/tokens.ts'
import { API, EXP, facts, IAT, introspectionJwt, logoutToken, type Vendor } from './vendor.ts'

const issuer = 'https://cognito-idp.eu-west-1.amazonaws.example/eu-west-1_Example1'
const client = '1example23456789'
const subject = 'aaaaaaaa-bbbb-cccc-dddd-eeeeeeeeeeee'
export const BILLS = 'https://api.example.com/bills'

const session = { auth_time: IAT - 5, origin_jti: 'origin-1', event_id: 'event-1' }
const user = {
  ...session,
  sub: subject,
  'cognito:groups': ['clerks'],
  iss: issuer,
  version: 2,
  client_id: client,
  token_use: 'access',
  scope: `openid aws.cognito.signin.user.admin ${API}/orders:read ${API}/orders:write ${BILLS}/bills:read`,
  exp: EXP,
  iat: IAT,
  jti: 'jti-1',
  username: 'alice',
}
const scopesByAudience = new Map([
  [API, ['orders:read', 'orders:write']],
  [BILLS, ['bills:read']],
])
const says = facts({
  scopes: ['openid', 'aws.cognito.signin.user.admin'],
  scopesByAudience,
  subject,
  client,
  authTime: IAT - 5,
})
const needs = {
  iss: 'claim_missing',
  sub: 'claim_missing',
  exp: 'claim_missing',
  iat: 'claim_missing',
  jti: 'claim_missing',
  client_id: 'claim_missing',
  token_use: 'token_type_wrong',
} as const

/** Amazon Cognito, https://docs.aws.amazon.com/cognito/latest/developerguide: user pool tokens. */
export const cognitoVendor: Vendor = {
  profile: 'cognito',
  issuer,
  accessTokens: {
    'Cognito, user': {
      header: {},
      claims: user,
      says: { ...says, audience: [API, BILLS] },
      needs: { ...needs, scope: 'no audience' },
      passes: ['cognito'],
    },
    'Cognito, user, resource binding': {
      header: {},
      claims: { ...user, aud: API },
      says,
      // Without it the scopes tell.
      needs,
      passes: ['cognito', 'jwt'],
    },
    'Cognito, machine': {
      header: {},
      claims: {
        sub: client,
        token_use: 'access',
        scope: `${API}/orders:read`,
        auth_time: IAT,
        iss: issuer,
        exp: EXP,
        iat: IAT,
        version: 2,
        jti: 'jti-2',
        client_id: client,
      },
      says: facts({
        scopes: [],
        scopesByAudience: new Map([[API, ['orders:read']]]),
        subject: client,
        client,
        authTime: IAT,
      }),
      needs: { ...needs, scope: 'no audience' },
      passes: ['cognito'],
    },
  },
  others: {
    'ID token': {
      header: {},
      claims: {
        ...session,
        sub: subject,
        at_hash: 'XpFLaJLKRwgBRZK6ZkWlkA',
        'cognito:username': 'alice',
        iss: issuer,
        nonce: 'n-of-the-login',
        aud: client,
        token_use: 'id',
        exp: EXP,
        iat: IAT,
        jti: 'jti-3',
        email: 'alice@example.com',
      },
    },
    'logout token': logoutToken(issuer, client),
    'introspection JWT': introspectionJwt(issuer, user),
    // Encrypted for Cognito itself.
    'refresh token': `${base64url('{"cty":"JWT","enc":"A256GCM","alg":"RSA-OAEP"}')}.AAAA.AAAA.AAAA.AAAA`,
  },
}
