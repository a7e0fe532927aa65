import { EXP, facts, IAT, introspectionJwt, logoutToken, type Vendor } from './vendor.ts'

const tenant = '11111111-2222-4333-8444-555555555555'
const client = '66666666-7777-4888-9999-aaaaaaaaaaaa'
const api = 'bbbbbbbb-cccc-4ddd-8eee-ffffffffffff'
const oid = '01234567-89ab-4cde-8f01-23456789abcd'
const pairwise = 'AAAAAAAAAAAAAAAAAAAAAIkzqFVrSaSaFHy782bbtaQ'

const common = { iat: IAT, nbf: IAT, exp: EXP, aio: 'AXQAi/8IAAAAtAaZLo3ChMif6KOnttRB7eBq4/Dccqo', tid: tenant }
const opaqueClaims = { rh: '0.AXEAj8', uti: 'aBcDeFgHiJkLmNoPqRsTAA' }
// In three parts, and still no JWT.
const refreshToken = '1.AXEAj8AjAPRXNEaQabcdefghij.AgABAwEAAADW6jl31mB3T7ugrWTT8pFeAwDs'
const needs = {
  iss: 'claim_missing',
  sub: 'claim_missing',
  aud: 'no audience',
  exp: 'claim_missing',
  iat: 'claim_missing',
} as const

const second = `https://login.example.com/${tenant}/v2.0`
const user2 = {
  ...common,
  ...opaqueClaims,
  aud: api,
  iss: second,
  azp: client,
  azpacr: '1',
  name: 'Alice Example',
  oid,
  preferred_username: 'alice@example.com',
  scp: 'Orders.Read Orders.Write',
  sid: '00aa00aa-bb11-cc22-dd33-44ee44ee44ee',
  sub: pairwise,
  ver: '2.0',
}
const idToken2 = {
  ...common,
  ...opaqueClaims,
  aud: client,
  iss: second,
  name: 'Alice Example',
  oid,
  preferred_username: 'alice@example.com',
  roles: ['Orders.Admin'],
  sub: pairwise,
  ver: '2.0',
}

/** Microsoft Entra ID, https://learn.microsoft.com/entra/identity-platform/access-token-claims-reference: version 2.0. */
export const entraSecond: Vendor = {
  profile: 'entra',
  issuer: second,
  accessTokens: {
    'Entra 2.0, user': {
      header: { typ: 'JWT' },
      claims: user2,
      says: facts({ audience: [api], scopes: ['Orders.Read', 'Orders.Write'], subject: pairwise, client }),
      needs: { ...needs, azp: 'token_type_wrong', scp: 'token_type_wrong' },
      passes: ['entra'],
    },
    'Entra 2.0, application': {
      header: { typ: 'JWT' },
      claims: {
        ...common,
        ...opaqueClaims,
        aud: api,
        iss: second,
        azp: client,
        azpacr: '1',
        oid,
        roles: ['Orders.Read.All'],
        sub: oid,
        ver: '2.0',
      },
      says: facts({ audience: [api], scopes: ['Orders.Read.All'], subject: oid, client }),
      needs: { ...needs, azp: 'token_type_wrong', roles: 'token_type_wrong' },
      // `azp` is Auth0's name for the client too, and a token may have no scopes there.
      passes: ['entra', 'auth0'],
    },
  },
  others: {
    'ID token': { header: { typ: 'JWT' }, claims: { ...idToken2, nonce: 'n-of-the-login' } },
    'ID token without nonce': { header: { typ: 'JWT' }, claims: idToken2 },
    'logout token': logoutToken(second, client),
    'introspection JWT': introspectionJwt(second, user2),
    'refresh token': refreshToken,
  },
}

const first = `https://sts.example.com/${tenant}/`
const user1 = {
  ...common,
  ...opaqueClaims,
  aud: 'api://orders',
  iss: first,
  acr: '1',
  amr: ['pwd', 'mfa'],
  appid: client,
  appidacr: '0',
  family_name: 'Example',
  ipaddr: '192.0.2.7',
  name: 'Alice Example',
  oid,
  scp: 'user_impersonation',
  sub: pairwise,
  unique_name: 'alice@example.com',
  upn: 'alice@example.com',
  ver: '1.0',
}

/** The same, version 1.0: another `iss`, and `appid` for the client. */
export const entraFirst: Vendor = {
  profile: 'entra',
  issuer: first,
  accessTokens: {
    'Entra 1.0, user': {
      header: { typ: 'JWT', x5t: 'i6lGk3FZzxRcUb2C3nEQ7syHJlY' },
      claims: user1,
      says: facts({
        audience: ['api://orders'],
        scopes: ['user_impersonation'],
        subject: pairwise,
        client,
        acr: '1',
      }),
      needs: { ...needs, appid: 'token_type_wrong', scp: 'token_type_wrong' },
      passes: ['entra'],
    },
    'Entra 1.0, application': {
      header: { typ: 'JWT', x5t: 'i6lGk3FZzxRcUb2C3nEQ7syHJlY' },
      claims: {
        ...common,
        ...opaqueClaims,
        aud: 'api://orders',
        iss: first,
        appid: client,
        appidacr: '1',
        idp: first,
        oid,
        roles: ['Orders.Read.All'],
        sub: oid,
        ver: '1.0',
      },
      says: facts({ audience: ['api://orders'], scopes: ['Orders.Read.All'], subject: oid, client }),
      needs: { ...needs, appid: 'token_type_wrong', roles: 'token_type_wrong' },
      passes: ['entra'],
    },
  },
  others: {
    'ID token': {
      header: { typ: 'JWT' },
      claims: {
        ...common,
        ...opaqueClaims,
        aud: client,
        iss: first,
        amr: ['pwd'],
        name: 'Alice Example',
        nonce: 'n-of-the-login',
        oid,
        sub: pairwise,
        unique_name: 'alice@example.com',
        upn: 'alice@example.com',
        ver: '1.0',
      },
    },
    'logout token': logoutToken(first, client),
    'introspection JWT': introspectionJwt(first, user1),
    'refresh token': refreshToken,
  },
}
