import assert from 'node:assert/strict'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader, type JWK } from 'jose'
import * as oauth from 'oauth4webapi'
import { startTestAuthorizationServer, type TestAuthorizationServer } from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'
const LEDGER = 'https://api.example.com/ledger'
const resources = [
  { indicator: ORDERS, scopes: ['orders:read'] },
  { indicator: LEDGER, scopes: ['ledger:read'], format: 'opaque' as const },
]

/** The server as a client library that knows the specifications sees it. */
const discover = async (server: TestAuthorizationServer): Promise<oauth.AuthorizationServer> => {
  const issuer = new URL(server.issuer)
  return oauth.processDiscoveryResponse(issuer, await oauth.discoveryRequest(issuer, insecure))
}

const insecure = { [oauth.allowInsecureRequests]: true }
const gateway = { client_id: 'gateway' }
const machine = { client_id: 'machine' }
/** The answer as it was sent, whatever it says. */
const introspected = async (
  as: oauth.AuthorizationServer,
  token: string,
  client: oauth.Client = gateway,
  auth: oauth.ClientAuth = withSecret,
): Promise<oauth.JsonObject> => {
  const response = await oauth.introspectionRequest(as, client, auth, token, insecure)
  return (await response.json()) as oauth.JsonObject
}
const withSecret = oauth.ClientSecretBasic('gateway-secret')

test('a resource may have opaque tokens, which a confidential client can introspect (RFC 7662)', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())
  const as = await discover(server)
  const own = await server.accessToken(LEDGER)
  const { access_token: users } = await server.codeFlow({ resource: [LEDGER], scope: 'ledger:read' })

  assert.match(own, /^[A-Za-z0-9_-]{43}$/)
  const ask = async (token: string) =>
    oauth.processIntrospectionResponse(
      as,
      gateway,
      await oauth.introspectionRequest(as, gateway, withSecret, token, insecure),
    )
  const answer = await ask(own)
  assert.deepEqual(
    [answer.active, answer.iss, answer.aud, answer.client_id, answer.scope, answer.token_type],
    [true, server.issuer, LEDGER, 'machine', 'ledger:read', 'Bearer'],
  )
  assert.equal((await ask(users ?? '')).sub, 'alice')
  assert.deepEqual(await ask('never-issued'), { active: false })
  assert.deepEqual(server.logged, [])
})

test('introspection answers are signed when the client asks for it (RFC 9701)', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())
  const as = await discover(server)
  const token = await server.accessToken(LEDGER)

  const response = await oauth.introspectionRequest(as, gateway, withSecret, token, {
    ...insecure,
    requestJwtResponse: true,
  })
  assert.match(response.headers.get('content-type') ?? '', /^application\/token-introspection\+jwt/)
  const jwt = await response.clone().text()
  assert.equal(decodeProtectedHeader(jwt).typ, 'token-introspection+jwt')
  assert.equal((await oauth.processIntrospectionResponse(as, gateway, response)).active, true)
})

test('a public client introspects nothing, and nobody revokes the tokens of another', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())
  const as = await discover(server)
  const token = await server.accessToken(LEDGER)

  assert.deepEqual(await introspected(as, token, { client_id: 'web' }, oauth.None()), { active: false })
  await oauth.revocationRequest(as, gateway, withSecret, token, insecure)
  assert.equal((await introspected(as, token)).active, true)
  await oauth.processRevocationResponse(
    await oauth.revocationRequest(as, machine, oauth.ClientSecretBasic('machine-secret'), token, insecure),
  )
  assert.deepEqual(await introspected(as, token), { active: false })
})

test('a client with a key authenticates by private_key_jwt (RFC 7523)', async (t) => {
  const { privateKey, publicKey } = await crypto.subtle.generateKey({ name: 'ECDSA', namedCurve: 'P-256' }, true, [
    'sign',
    'verify',
  ])
  const jwk: JWK = { ...(await crypto.subtle.exportKey('jwk', publicKey)), alg: 'ES256', kid: 'k1' } as JWK
  const server = await startTestAuthorizationServer({ resources, clientKeys: { gateway: jwk } })
  t.after(() => server.close())
  const as = await discover(server)
  const token = await server.accessToken(LEDGER)

  const auth = oauth.PrivateKeyJwt({ key: privateKey, kid: 'k1' })
  const response = await oauth.introspectionRequest(as, gateway, auth, token, insecure)
  assert.equal((await oauth.processIntrospectionResponse(as, gateway, response)).active, true)
  assert.equal((await oauth.introspectionRequest(as, gateway, withSecret, token, insecure)).status, 401)
})

for (const [indicator, format] of [
  [ORDERS, 'JWT'],
  [LEDGER, 'opaque'],
] as const) {
  test(`DP-10: the token of a resource with ${format} tokens is bound to the key that the client proves (RFC 9449 section 6)`, async (t) => {
    const server = await startTestAuthorizationServer({ resources })
    t.after(() => server.close())
    const as = await discover(server)
    const pair = await oauth.generateKeyPair('ES256')
    const proof = oauth.DPoP({}, pair)

    const answer = await oauth.processClientCredentialsResponse(
      as,
      machine,
      await oauth.clientCredentialsGrantRequest(
        as,
        machine,
        oauth.ClientSecretPost('machine-secret'),
        new URLSearchParams({ resource: indicator }),
        { ...insecure, DPoP: proof },
      ),
    )
    assert.equal(answer.token_type, 'dpop')
    const claims = format === 'JWT' ? decodeJwt(answer.access_token) : await introspected(as, answer.access_token)
    assert.deepEqual(claims.cnf, { jkt: await proof.calculateThumbprint() })
  })
}
