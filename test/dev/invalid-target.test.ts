import assert from 'node:assert/strict'
import { after, before, test } from 'node:test'
import {
  authorizationUrl,
  startTestAuthorizationServer,
  type TestAuthorizationServer,
} from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'

let server: TestAuthorizationServer

before(async () => {
  server = await startTestAuthorizationServer({
    resources: { [ORDERS]: ['orders:read'], [BILLING]: ['billing:read'] },
  })
})

after(() => server.close())

const NO_RESOURCE = {
  unknown: 'https://api.example.com/stock',
  'unknown: one slash more (RI-7)': `${ORDERS}/`,
  'unknown: other case (RI-15)': 'https://API.example.com/orders',
  'unknown: a parent (RI-8)': 'https://api.example.com',
  relative: '/orders',
  'a bare name': 'api.example.com/orders',
  'with a fragment': `${ORDERS}#read`,
  'with an empty fragment (RI-2)': `${ORDERS}#`,
}

for (const [what, resource] of Object.entries(NO_RESOURCE)) {
  test(`RFC 8707 2: a resource that is ${what} is invalid_target at every door`, async () => {
    const { url } = authorizationUrl(server.issuer, { resource: [ORDERS, resource], scope: 'orders:read' })
    const redirect = await fetch(url, { redirect: 'manual' })
    const sentBack = new URL(redirect.headers.get('location') ?? '').searchParams
    assert.equal(sentBack.get('error'), 'invalid_target')
    assert.equal(sentBack.get('code'), null)

    const own = await server.clientCredentials({ resource })
    assert.deepEqual({ status: own.status, error: own.error }, { status: 400, error: 'invalid_target' })

    const flow = { resource: [ORDERS], scope: 'orders:read' }
    const exchanged = await server.codeFlow({ ...flow, tokenFor: resource })
    assert.deepEqual({ status: exchanged.status, error: exchanged.error }, { status: 400, error: 'invalid_target' })

    const { refresh_token } = await server.codeFlow(flow)
    assert.equal((await server.refresh(refresh_token ?? '', { resource })).error, 'invalid_target')
  })
}

test('RFC 8707 2.2: a known resource that was not granted is invalid_target for the code and the refresh token', async () => {
  const flow = { resource: [ORDERS], scope: 'orders:read billing:read' }

  assert.equal((await server.codeFlow({ ...flow, tokenFor: BILLING })).error, 'invalid_target')
  const { refresh_token } = await server.codeFlow(flow)
  assert.equal((await server.refresh(refresh_token ?? '', { resource: BILLING })).error, 'invalid_target')
})

test('a token request for two resources at once is invalid_target: a token has one audience', async () => {
  const own = await server.token({
    grant_type: 'client_credentials',
    client_id: 'machine',
    client_secret: 'machine-secret',
    resource: [ORDERS, BILLING],
  })
  assert.equal(own.error, 'invalid_target')

  const { refresh_token } = await server.codeFlow({ resource: [ORDERS, BILLING], scope: 'orders:read billing:read' })
  const refreshed = await server.token({
    grant_type: 'refresh_token',
    client_id: 'web',
    refresh_token,
    resource: [ORDERS, BILLING],
  })
  assert.equal(refreshed.error, 'invalid_target')
})
