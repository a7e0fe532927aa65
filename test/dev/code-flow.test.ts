import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import { createRemoteJWKSet, jwtVerify } from 'jose'
import { startTestAuthorizationServer, type TestAuthorizationServer } from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'
// Every byte of an indicator that a URL object would change: host case, default port, dot segments, no slash.
const BILLING = 'HTTPS://Api.example.com:443/a/../billing?tenant=1'

let server: TestAuthorizationServer

before(async () => {
  server = await startTestAuthorizationServer({
    resources: [
      { indicator: ORDERS, scopes: ['orders:read', 'orders:write'] },
      { indicator: BILLING, scopes: ['billing:read', 'billing:pay'], algorithm: 'ES256' },
    ],
    roles: {
      clerk: { [ORDERS]: ['orders:read', 'orders:write'], [BILLING]: ['billing:read'] },
    },
    users: { alice: ['clerk'], bob: [] },
    clients: {
      web: { redirectUris: ['http://127.0.0.1:4455/cb'] },
      confidential: { secret: 's3cret', redirectUris: ['http://127.0.0.1:4455/cb'] },
    },
  })
})

after(() => server.close())

const claimsOf = async (token: string | undefined) => {
  const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`))
  return jwtVerify(token ?? '', keys, { issuer: server.issuer, typ: 'at+jwt' })
}

const BOTH = { resource: [ORDERS, BILLING], scope: 'orders:read orders:write billing:read billing:pay' }

test('RFC 9068: a code for two resources gives a JWT access token with every required claim', async () => {
  const answer = await server.codeFlow({ ...BOTH, tokenFor: ORDERS })

  const { payload, protectedHeader } = await claimsOf(answer.access_token)
  assert.equal(protectedHeader.typ, 'at+jwt')
  assert.equal(protectedHeader.alg, 'RS256')
  assert.equal(payload.iss, server.issuer)
  assert.equal(payload.sub, 'alice')
  assert.equal(payload.client_id, 'web')
  assert.equal(payload.aud, ORDERS)
  assert.equal(payload.scope, 'orders:read orders:write')
  assert.equal(typeof payload.jti, 'string')
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600)
  assert.deepEqual(
    { type: answer.token_type, expires: answer.expires_in, scope: answer.scope },
    { type: 'Bearer', expires: 3600, scope: 'orders:read orders:write' },
  )
})

test('RI-4: aud is the indicator byte for byte, with the algorithm of that resource', async () => {
  const { access_token } = await server.codeFlow({ ...BOTH, tokenFor: BILLING })

  const { payload, protectedHeader } = await claimsOf(access_token)
  assert.equal(payload.aud, BILLING)
  assert.equal(protectedHeader.alg, 'ES256')
})

test("scopes are the user's permissions at that resource: a scope that no role gives is left out", async () => {
  const { access_token, scope } = await server.codeFlow({ ...BOTH, tokenFor: BILLING })

  const { payload } = await claimsOf(access_token)
  assert.equal(payload.scope, 'billing:read')
  assert.equal(scope, 'billing:read')
})

test('permissions are cut to what was asked', async () => {
  const { access_token } = await server.codeFlow({ resource: [ORDERS], scope: 'orders:write' })

  assert.equal((await claimsOf(access_token)).payload.scope, 'orders:write')
})

test('an authorization request without scope asks for all that is permitted at its resources', async () => {
  const { access_token, refresh_token } = await server.codeFlow({ resource: [ORDERS, BILLING], tokenFor: ORDERS })
  const other = await server.refresh(refresh_token ?? '', { resource: BILLING })

  assert.equal((await claimsOf(access_token)).payload.scope, 'orders:read orders:write')
  assert.equal((await claimsOf(other.access_token)).payload.scope, 'billing:read')
})

test('RFC 8707 2.2: a refresh token asks for another of the granted resources', async () => {
  const first = await server.codeFlow({ ...BOTH, tokenFor: ORDERS })
  const second = await server.refresh(first.refresh_token ?? '', { resource: BILLING })
  const third = await server.refresh(second.refresh_token ?? '', { resource: ORDERS, scope: 'orders:read' })

  const { payload } = await claimsOf(second.access_token)
  assert.deepEqual(
    { aud: payload.aud, scope: payload.scope, sub: payload.sub },
    {
      aud: BILLING,
      scope: 'billing:read',
      sub: 'alice',
    },
  )
  assert.equal((await claimsOf(third.access_token)).payload.scope, 'orders:read')
})

test('a code is good once, and its second use ends the refresh token too', async () => {
  const { answer, verifier } = await server.authorize(BOTH)
  const request = {
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: 'http://127.0.0.1:4455/cb',
    code: answer.get('code') ?? '',
    code_verifier: verifier,
    resource: ORDERS,
  }
  const first = await server.token(request)
  assert.equal(first.status, 200)
  assert.equal((await server.token(request)).error, 'invalid_grant')
  assert.equal((await server.refresh(first.refresh_token ?? '', { resource: ORDERS })).error, 'invalid_grant')
})

test('PKCE: a public client cannot start without a challenge, nor finish with another verifier', async () => {
  const url = new URL(`${server.issuer}/auth`)
  url.search = `response_type=code&client_id=web&redirect_uri=http://127.0.0.1:4455/cb&resource=${encodeURIComponent(ORDERS)}`
  const refused = await fetch(url, { redirect: 'manual' })
  assert.equal(new URL(refused.headers.get('location') ?? '').searchParams.get('error'), 'invalid_request')

  const { answer } = await server.authorize(BOTH)
  const wrong = await server.token({
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: 'http://127.0.0.1:4455/cb',
    code: answer.get('code') ?? '',
    code_verifier: 'x'.repeat(43),
    resource: ORDERS,
  })
  assert.equal(wrong.error, 'invalid_grant')
})

test('the redirect back carries the state and the issuer (RFC 9207)', async () => {
  const { answer } = await server.authorize(BOTH)

  assert.equal(answer.get('state'), 'st')
  assert.equal(answer.get('iss'), server.issuer)
})

test('a user without any permission at the resource is refused, not given an empty token', async () => {
  const { answer } = await server.authorize({ ...BOTH, user: 'bob' })

  assert.equal(answer.get('error'), 'access_denied')
  assert.equal(answer.get('code'), null)
})

test('a client with a secret authenticates in the header or in the body, and not without it', async () => {
  const exchange = async (authenticate: (body: URLSearchParams, headers: Headers) => void) => {
    const { answer, verifier } = await server.authorize({ ...BOTH, client: 'confidential' })
    const headers = new Headers()
    const body = new URLSearchParams({
      grant_type: 'authorization_code',
      redirect_uri: 'http://127.0.0.1:4455/cb',
      code: answer.get('code') ?? '',
      code_verifier: verifier,
      resource: ORDERS,
    })
    authenticate(body, headers)
    return (await fetch(`${server.issuer}/token`, { method: 'POST', body, headers })).status
  }
  const basic = `Basic ${Buffer.from('confidential:s3cret').toString('base64')}`

  assert.equal(await exchange((_body, headers) => headers.set('authorization', basic)), 200)
  assert.equal(
    await exchange((body) => {
      body.set('client_id', 'confidential')
      body.set('client_secret', 's3cret')
    }),
    200,
  )
  assert.equal(await exchange((body) => body.set('client_id', 'confidential')), 401)
})
