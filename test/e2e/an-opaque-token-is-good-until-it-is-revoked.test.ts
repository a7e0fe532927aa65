import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import {
  startTestAuthorizationServer,
  type TestAuthorizationServer,
  type TestAuthorizationServerOptions,
} from '../support/authorization-server.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { startUpstream } from '../support/upstream.ts'

const ORDERS = 'https://api.test/orders'
const JWT_ORDERS = 'https://api.test/orders-by-jwt'

const key = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const jwk = { ...key.publicKey.export({ format: 'jwk' }), alg: 'ES256', use: 'sig', kid: 'gateway-1' }

/** A real authorization server with an opaque and a JWT resource, and a gateway that takes the tokens of both. */
const start = async (
  t: TestContext,
  introspection: Readonly<Record<string, unknown>> = {},
  server: Partial<TestAuthorizationServerOptions> = {},
) => {
  const as = await startTestAuthorizationServer({
    resources: [
      { indicator: ORDERS, scopes: ['orders:read', 'orders:write'], format: 'opaque' },
      { indicator: JWT_ORDERS, scopes: ['orders:read', 'orders:write'] },
    ],
    ...server,
  })
  t.after(() => as.close())
  const folder = mkdtempSync(join(tmpdir(), 'audgate-e2e-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'gateway-secret\n')
  const privateKey = join(folder, 'key.pem')
  writeFileSync(privateKey, key.privateKey.export({ type: 'pkcs8', format: 'pem' }))
  const upstream = await startUpstream(t)
  const byKey = introspection.auth === 'private_key_jwt'
  const credential = byKey ? { client_key_file: privateKey } : { client_secret_file: secret }
  const stage = await startGateway(
    t,
    `issuers: ${JSON.stringify({
      main: {
        issuer: as.issuer,
        introspection: { client_id: 'gateway', cache: '250ms', ...credential, ...introspection },
      },
    })}
upstreams: ${JSON.stringify({
      [upstream.url]: { resource: ORDERS, accept_audiences: [JWT_ORDERS], at: '/orders', scopes: 'orders:read' },
    })}\n`,
  )
  const ask = async (token: string) => {
    const response = await fetch(`${stage.url}/orders/1`, { headers: { authorization: `Bearer ${token}` } })
    const body = (await response.json()) as { reason?: string }
    return `${response.status} ${body.reason ?? ''}`.trim()
  }
  return { as, stage, upstream, ask }
}

const revoke = async (as: TestAuthorizationServer, token: string): Promise<void> => {
  const body = new URLSearchParams({ token, client_id: 'machine', client_secret: 'machine-secret' })
  const response = await fetch(`${as.issuer}/token/revocation`, { method: 'POST', body })
  assert.equal(response.status, 200)
}

const ways: readonly (readonly [
  string,
  Readonly<Record<string, unknown>>,
  Partial<TestAuthorizationServerOptions>?,
])[] = [
  ['client_secret_basic', {}],
  ['client_secret_post', { auth: 'client_secret_post' }],
  [
    'private_key_jwt',
    { auth: 'private_key_jwt' },
    { clients: { machine: { secret: 'machine-secret', roles: ['all'] }, gateway: {} }, clientKeys: { gateway: jwk } },
  ],
  ['signed responses (RFC 9701)', { response: 'jwt' }],
]

for (const [name, introspection, server] of ways) {
  test(`IN-1, IN-2, IN-6: with ${name}, an opaque token of a real server passes until it is revoked`, async (t) => {
    const { as, ask, stage, upstream } = await start(t, introspection, server)
    const token = await as.accessToken(ORDERS, 'orders:read')
    assert.doesNotMatch(token, /\./)
    assert.equal(await ask(token), '200')
    assert.match(await stage.metrics(), /audgate_introspections_total\{[^}]*issuer="main",result="active"\} 1\n/)
    await revoke(as, token)
    await eventually('the revocation counts', async () => (await ask(token)) === '401 token_inactive')
    const seen = upstream.seen.length
    assert.equal(await ask(token), '401 token_inactive')
    assert.equal(upstream.seen.length, seen)
    assert.doesNotMatch(await stage.logText(), new RegExp(`${token}|gateway-secret`))
  })
}

test('JWT and opaque tokens of one real server side by side on one resource, and neither counts for more than it says', async (t) => {
  const { as, ask } = await start(t)
  const [opaque, jwt] = [await as.accessToken(ORDERS, 'orders:read'), await as.accessToken(JWT_ORDERS, 'orders:read')]
  assert.deepEqual([opaque.split('.').length, jwt.split('.').length], [1, 3])
  assert.deepEqual([await ask(opaque), await ask(jwt)], ['200', '200'])
  const [poorOpaque, poorJwt] = [
    await as.accessToken(ORDERS, 'orders:write'),
    await as.accessToken(JWT_ORDERS, 'orders:write'),
  ]
  assert.deepEqual([await ask(poorOpaque), await ask(poorJwt)], ['403 scope_insufficient', '403 scope_insufficient'])
})

test('IN-8: the gateway’s wrong secret at a real server is 500, an error in its log, and never the client’s fault', async (t) => {
  const { as, ask, stage, upstream } = await start(t, { client_id: 'machine' })
  const token = await as.accessToken(ORDERS, 'orders:read')
  assert.equal(await ask(token), '500 internal')
  assert.equal(upstream.connections(), 0)
  const alarm = (await stage.log()).find(({ level, msg }) => level === 'error' && msg === 'introspection')
  assert.match(String(alarm?.detail), /answered 401, our own credentials are refused$/)
})

test('AT-21: a refresh token, which the server calls active too, is no access token', async (t) => {
  const { as, ask } = await start(t)
  const answer = await as.codeFlow({ resource: [ORDERS], scope: 'offline_access orders:read' })
  assert.equal(await ask(answer.access_token ?? ''), '200')
  // This server names no audience for it; one that does is in test/token/introspection/prove-answer.test.ts.
  assert.equal(await ask(answer.refresh_token ?? ''), '401 audience_missing')
})
