import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import * as oauth from 'oauth4webapi'
import { startTestAuthorizationServer } from '../support/authorization-server.ts'
import { startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { startUpstream } from '../support/upstream.ts'

const ORDERS = 'https://api.example.com/orders'
const insecure = { [oauth.allowInsecureRequests]: true }

/** The embedded authorization server, a gateway that trusts it, and a client library with a key and a token. */
const startStage = async (t: TestContext, alg: string, settings: Readonly<Record<string, unknown>> = {}) => {
  const server = await startTestAuthorizationServer({ resources: { [ORDERS]: ['orders:read'] } })
  t.after(() => server.close())
  const upstream = await startUpstream(t)
  const entry = { resource: ORDERS, at: '/orders', scopes: 'orders:read', sender_constrained: true }
  const config = { issuers: { main: server.issuer }, upstreams: { [upstream.url]: entry }, ...settings }
  const lines = Object.entries(config).map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
  const gateway = await startGateway(t, lines.join(''))
  await gateway.gateway.refreshKeys()

  const client: oauth.Client = { client_id: 'machine' }
  const issuer = new URL(server.issuer)
  const as = await oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
  const DPoP = oauth.DPoP(client, await oauth.generateKeyPair(alg))
  const secret = oauth.ClientSecretPost('machine-secret')
  const parameters = { resource: ORDERS, scope: 'orders:read' }
  const answer = await oauth.clientCredentialsGrantRequest(as, client, secret, parameters, { ...insecure, DPoP })
  const grant = await oauth.processClientCredentialsResponse(as, client, answer)
  const request = (path: string, method = 'GET'): Promise<Response> =>
    oauth.protectedResourceRequest(grant.access_token, method, new URL(`${gateway.url}${path}`), undefined, undefined, {
      ...insecure,
      DPoP,
    })
  return { upstream, grant, request }
}

for (const alg of ['ES256', 'Ed25519']) {
  test(`RFC 9449: what a client library proves with ${alg} for a token of a real server passes`, async (t) => {
    const { grant, request, upstream } = await startStage(t, alg)
    assert.equal(grant.token_type, 'dpop')
    for (const [method, path] of [
      ['GET', '/orders/1?x=1'],
      ['POST', '/orders'],
      ['DELETE', '/orders/%C3%A9/~a'],
    ] as const) {
      const response = await request(path, method)
      assert.equal(response.status, 200, `${method} ${path}`)
      assert.equal((await jsonOf(response)).method, method)
    }
    assert.equal(upstream.seen.length, 3)
  })
}

test('DP-16: a client library takes the nonce of a challenge and passes with it', async (t) => {
  const { request, upstream } = await startStage(t, 'ES256', { dpop: { nonces: true } })
  await assert.rejects(request('/orders/1'), (error: unknown) => {
    assert.ok(oauth.isDPoPNonceError(error) && error instanceof oauth.WWWAuthenticateChallengeError)
    assert.equal(error.status, 401)
    assert.match(error.response.headers.get('dpop-nonce') ?? '', /^[A-Za-z0-9_-]{24}$/)
    assert.equal(error.response.headers.get('cache-control'), 'no-store')
    return true
  })
  assert.equal(upstream.connections(), 0)
  // The library kept the nonce, and one counts for more than one proof.
  for (let time = 0; time < 2; time++) assert.equal((await request('/orders/1')).status, 200)
})
