import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { REDIRECT_URI, startTestAuthorizationServer } from '../support/authorization-server.ts'
import { startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { startUpstream } from '../support/upstream.ts'

const orders = 'https://api.example.com/orders'
const billing = 'https://api.example.com/billing'

test('RFC 8707: one authorization for two resources, one token for each, and each works at its own API only', async (t) => {
  const issuer = await startTestAuthorizationServer({
    resources: { [orders]: ['orders:read'], [billing]: ['billing:read'] },
  })
  t.after(() => issuer.close())
  const [ordersApi, billingApi] = [await startUpstream(t), await startUpstream(t)]
  const gateway = await startGateway(
    t,
    `issuers: { main: ${JSON.stringify(issuer.issuer)} }
upstreams:
  ${ordersApi.url}: { resource: ${orders}, at: /orders, scopes: orders:read }
  ${billingApi.url}: { resource: ${billing}, at: /billing, scopes: billing:read }
`,
  )

  // The authorization request names both resources; alice logs in and agrees.
  const { answer, verifier } = await issuer.authorize({
    user: 'alice',
    resource: [orders, billing],
    scope: 'orders:read billing:read',
  })
  const code = answer.get('code')
  assert.ok(code)

  // The first token request: the code, for one of them.
  const first = await issuer.token({
    grant_type: 'authorization_code',
    client_id: 'web',
    redirect_uri: REDIRECT_URI,
    code,
    code_verifier: verifier,
    resource: orders,
  })
  assert.equal(first.status, 200, first.error_description)
  // The second one: the refresh token, for the other.
  const second = await issuer.token({
    grant_type: 'refresh_token',
    client_id: 'web',
    refresh_token: first.refresh_token,
    resource: billing,
  })
  assert.equal(second.status, 200, second.error_description)

  const [ordersToken = '', billingToken = ''] = [first.access_token, second.access_token]
  assert.equal(decodeProtectedHeader(ordersToken).typ, 'at+jwt')
  assert.equal(decodeJwt(ordersToken).aud, orders)
  assert.equal(decodeJwt(billingToken).aud, billing)

  const call = async (path: string, token: string): Promise<Record<string, unknown>> => {
    const answered = await fetch(`${gateway.url}${path}`, { headers: { authorization: `Bearer ${token}` } })
    return { ...(await jsonOf(answered)), status: answered.status }
  }
  assert.equal((await call('/orders/1', ordersToken)).target, '/1')
  assert.equal((await call('/billing/1', billingToken)).target, '/1')

  // A token at the other API: refused, for the audience, and the API does not hear of it.
  for (const [path, token] of [
    ['/orders/1', billingToken],
    ['/billing/1', ordersToken],
  ] as const) {
    const refused = await call(path, token)
    assert.equal(refused.status, 401)
    assert.equal(refused.reason, 'audience_mismatch')
  }
  assert.equal(ordersApi.seen.length, 1)
  assert.equal(billingApi.seen.length, 1)
})
