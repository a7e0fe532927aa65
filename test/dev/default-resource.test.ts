import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { startTestAuthorizationServer } from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'
const STOCK = 'https://api.example.com/stock'

const start = (defaultResource?: string) =>
  startTestAuthorizationServer({
    resources: {
      [ORDERS]: ['orders:read', 'orders:write'],
      [BILLING]: ['billing:read'],
      [STOCK]: ['stock:read'],
    },
    ...(defaultResource === undefined ? {} : { defaultResource }),
  })

const audience = (token: string | undefined) => decodeJwt(token ?? '').aud
const isOpaque = (token: string | undefined) => token !== undefined && !token.includes('.')

test('client credentials: all permissions at the resource, or those asked for', async (t) => {
  const server = await start()
  t.after(() => server.close())

  const all = await server.clientCredentials({ resource: ORDERS })
  const some = await server.clientCredentials({ resource: ORDERS, scope: 'orders:write billing:read nonsense' })

  const claims = decodeJwt(all.access_token ?? '')
  assert.deepEqual(
    { aud: claims.aud, sub: claims.sub, client: claims.client_id, scope: claims.scope },
    { aud: ORDERS, sub: 'machine', client: 'machine', scope: 'orders:read orders:write' },
  )
  assert.equal(decodeProtectedHeader(all.access_token ?? '').typ, 'at+jwt')
  assert.equal(all.scope, 'orders:read orders:write')
  assert.equal(decodeJwt(some.access_token ?? '').scope, 'orders:write')
})

test('client credentials without resource: a token for the default resource', async (t) => {
  const server = await start(BILLING)
  t.after(() => server.close())

  const { access_token, scope } = await server.clientCredentials()
  assert.equal(audience(access_token), BILLING)
  assert.equal(scope, 'billing:read')
})

test('client credentials without resource and without a default: an opaque token', async (t) => {
  const server = await start()
  t.after(() => server.close())

  const { status, access_token, scope } = await server.clientCredentials({ scope: 'orders:read' })
  assert.equal(status, 200)
  assert.ok(isOpaque(access_token))
  assert.equal(scope, undefined)
})

test('a client without roles of its own, or without a secret, has no client credentials', async (t) => {
  const server = await startTestAuthorizationServer({
    resources: { [ORDERS]: ['orders:read'] },
    clients: { idle: { secret: 'x' }, open: { roles: ['all'], redirectUris: ['http://127.0.0.1:4455/cb'] } },
  })
  t.after(() => server.close())
  const ask = (client: object) => server.token({ grant_type: 'client_credentials', resource: ORDERS, ...client })

  assert.equal((await ask({ client_id: 'idle', client_secret: 'x' })).error, 'invalid_request')
  assert.equal((await ask({ client_id: 'open' })).error, 'invalid_request')
})

test('an authorization request without resource is for the default resource', async (t) => {
  const server = await start(ORDERS)
  t.after(() => server.close())

  const { access_token, scope } = await server.codeFlow({ scope: 'orders:read' })
  assert.equal(audience(access_token), ORDERS)
  assert.equal(scope, 'orders:read')
})

test('a code for several resources, exchanged without resource: the default one if it was granted', async (t) => {
  const server = await start(BILLING)
  t.after(() => server.close())
  const scope = 'orders:read billing:read stock:read'

  const granted = await exchangeWithoutResource(server, { resource: [ORDERS, BILLING], scope })
  assert.equal(audience(granted.access_token), BILLING)
  const only = await exchangeWithoutResource(server, { resource: [ORDERS], scope: `openid ${scope}` })
  assert.equal(audience(only.access_token), ORDERS)
  const ambiguous = await exchangeWithoutResource(server, { resource: [ORDERS, STOCK], scope })
  assert.equal(ambiguous.error, 'invalid_target')
})

test('a code for several resources, exchanged without resource and without a default: an opaque token', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const request = { resource: [ORDERS, BILLING], scope: 'openid orders:read billing:read' }

  const exchanged = await exchangeWithoutResource(server, request)
  assert.ok(isOpaque(exchanged.access_token))
  // Nothing is lost: the refresh token still gives one for each resource.
  const { access_token } = await server.refresh(exchanged.refresh_token ?? '', { resource: BILLING })
  assert.equal(audience(access_token), BILLING)
})

const exchangeWithoutResource = async (
  server: Awaited<ReturnType<typeof start>>,
  request: { readonly resource: readonly string[]; readonly scope: string },
) => {
  const { answer, verifier } = await server.authorize(request)
  return server.token({
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: 'http://127.0.0.1:4455/cb',
    code: answer.get('code') ?? '',
    code_verifier: verifier,
  })
}
