import { API, EXP, facts, IAT, introspectionJwt, logoutToken, type Vendor } from './vendor.ts'

const issuer = 'https://keycloak.example.com/realms/shop'
const subject = '36fa0f91-f94d-4a0c-afed-6b7d952e47da'
const session = '2a88c258-f73a-4103-b862-e1fbd8f4e04e'
const THUMBPRINT = '0ZcOCORZNYy-DWpqq30jZyJGHTN0d2HglBV3uiguA4I'

const common = { exp: EXP, iat: IAT, iss: issuer, sub: subject, azp: 'web' }

const user = {
  ...common,
  auth_time: IAT - 5,
  jti: 'onrtac:d58f5dc8-fd8f-462b-8a19-716f8f83985b',
  aud: [API, 'account'],
  typ: 'Bearer',
  session_state: session,
  nonce: 'n-of-the-login',
  acr: '1',
  'allowed-origins': ['https://web.example.com'],
  realm_access: { roles: ['offline_access', 'default-roles-shop', 'uma_authorization'] },
  resource_access: { orders: { roles: ['reader'] }, account: { roles: ['manage-account', 'view-profile'] } },
  scope: 'openid email profile orders:read',
  sid: session,
  email_verified: true,
  name: 'Alice Example',
  preferred_username: 'alice',
  email: 'alice@example.com',
}

const says = facts({
  audience: [API, 'account'],
  scopes: ['openid', 'email', 'profile', 'orders:read'],
  subject,
  client: 'web',
  authTime: IAT - 5,
  acr: '1',
})

const needs = {
  iss: 'claim_missing',
  sub: 'claim_missing',
  aud: 'no audience',
  exp: 'claim_missing',
  iat: 'claim_missing',
  jti: 'claim_missing',
  azp: 'claim_missing',
  typ: 'token_type_wrong',
} as const

const refresh = {
  ...common,
  jti: 'onrtrt:6a1f0e8c-3f3e-4f0b-93c4-7d5a2f6f3c55',
  aud: issuer,
  typ: 'Refresh',
  sid: session,
  scope: 'openid email profile orders:read',
}

const serviceAccount = {
  ...common,
  jti: 'trrtcc:312ee6f4-6b0e-4c3c-8a05-b8f1f6a7d0aa',
  aud: API,
  typ: 'Bearer',
  azp: 'billing',
  acr: '1',
  realm_access: { roles: ['default-roles-shop'] },
  scope: 'email profile orders:read',
  email_verified: false,
  clientHost: '192.0.2.7',
  preferred_username: 'service-account-billing',
  clientAddress: '192.0.2.7',
  client_id: 'billing',
}

const bound = { typ: 'DPoP', cnf: { jkt: THUMBPRINT } }

/** Keycloak 26, https://www.keycloak.org/docs/latest/server_admin: what its endpoints hand out. */
export const keycloakVendor: Vendor = {
  profile: 'keycloak',
  issuer,
  accessTokens: {
    'Keycloak, user': { header: { typ: 'JWT' }, claims: user, says, needs, passes: ['keycloak'] },
    'Keycloak, user, header at+jwt': {
      header: { typ: 'at+jwt' },
      claims: user,
      says,
      needs,
      passes: ['keycloak', 'auth0', 'jwt'],
    },
    'Keycloak, bound to a key': {
      header: { typ: 'JWT' },
      claims: { ...user, ...bound },
      says: { ...says, confirmation: { methods: ['jkt'], jkt: THUMBPRINT, certificate: undefined } },
      needs: { ...needs, cnf: 'token_type_wrong' },
      passes: ['keycloak'],
    },
    'Keycloak, service account': {
      header: { typ: 'JWT' },
      claims: serviceAccount,
      says: facts({ scopes: ['email', 'profile', 'orders:read'], subject, client: 'billing', acr: '1' }),
      needs,
      passes: ['keycloak', 'auth0', 'jwt'],
    },
  },
  others: {
    'ID token': {
      header: { typ: 'JWT' },
      claims: {
        ...common,
        auth_time: IAT - 5,
        jti: '5a3f7d5e-0c4c-4f52-a7f3-6a0f3f7c2c11',
        aud: 'web',
        typ: 'ID',
        nonce: 'n-of-the-login',
        sid: session,
        at_hash: 'XpFLaJLKRwgBRZK6ZkWlkA',
        acr: '1',
        preferred_username: 'alice',
      },
    },
    'logout token': {
      ...logoutToken(issuer, 'web'),
      claims: { ...logoutToken(issuer, 'web').claims, typ: 'Logout' },
    },
    'logout token of older versions': {
      header: { typ: 'JWT' },
      claims: { ...logoutToken(issuer, 'web').claims, typ: 'Logout' },
    },
    'refresh token': { header: { typ: 'JWT', alg: 'HS512' }, claims: refresh },
    'refresh token with the key of access tokens': { header: { typ: 'JWT' }, claims: refresh },
    'offline token': { header: { typ: 'JWT' }, claims: { ...refresh, typ: 'Offline', exp: undefined } },
    'introspection JWT': introspectionJwt(issuer, user),
  },
}
