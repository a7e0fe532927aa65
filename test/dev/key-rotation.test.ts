import assert from 'node:assert/strict'
import { request as httpRequest } from 'node:http'
import { test } from 'node:test'
import { createLocalJWKSet, decodeProtectedHeader, type JSONWebKeySet, jwtVerify } from 'jose'
import { startTestAuthorizationServer, type TestAuthorizationServer } from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'

const start = () =>
  startTestAuthorizationServer({
    resources: [
      { indicator: ORDERS, scopes: ['orders:read'] },
      { indicator: BILLING, scopes: ['billing:read'], algorithm: 'EdDSA' },
    ],
  })

const published = async (server: TestAuthorizationServer): Promise<JSONWebKeySet> =>
  (await (await fetch(`${server.issuer}/jwks`)).json()) as JSONWebKeySet

const verifies = async (token: string, keys: JSONWebKeySet): Promise<boolean> =>
  jwtVerify(token, createLocalJWKSet(keys)).then(
    () => true,
    () => false,
  )

test('the key set has RS256, ES256 and the algorithms that resources name, and no private member', async (t) => {
  const server = await start()
  t.after(() => server.close())

  const { keys } = await published(server)
  assert.deepEqual(keys.map(({ alg }) => alg).sort(), ['ES256', 'EdDSA', 'RS256'])
  assert.deepEqual(
    keys.flatMap((key) => Object.keys(key)).filter((name) => ['d', 'p', 'q', 'dp', 'dq', 'qi'].includes(name)),
    [],
  )
  assert.deepEqual(server.jwks(), { keys })
})

test('AS-11: after a rotation new tokens have new keys, old tokens verify until the next rotation', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const old = await server.accessToken(ORDERS)
  const oldKeys = await published(server)

  await server.rotateKeys()
  const fresh = await server.accessToken(ORDERS)
  const both = await published(server)
  assert.notEqual(decodeProtectedHeader(fresh).kid, decodeProtectedHeader(old).kid)
  assert.equal(await verifies(fresh, both), true)
  assert.equal(await verifies(fresh, oldKeys), false)
  assert.equal(await verifies(old, both), true)
  assert.equal(await verifies(await server.accessToken(BILLING), both), true)

  await server.rotateKeys()
  const without = await published(server)
  assert.equal(await verifies(old, without), false)
  assert.equal(await verifies(fresh, without), true)
  assert.equal(without.keys.length, 6)
})

test('codes and refresh tokens outlive a rotation', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const { refresh_token } = await server.codeFlow({ resource: [ORDERS], scope: 'orders:read' })

  await server.rotateKeys()
  const { access_token } = await server.refresh(refresh_token ?? '', { resource: ORDERS })
  assert.equal(await verifies(access_token ?? '', await published(server)), true)
})

test('two rotations at once are two rotations: the keys of before are gone, the new ones are complete', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const old = await server.accessToken(ORDERS)

  await Promise.all([server.rotateKeys(), server.rotateKeys()])
  const keys = await published(server)
  assert.equal(keys.keys.length, 6)
  assert.equal(await verifies(old, keys), false)
  assert.equal(await verifies(await server.accessToken(ORDERS), keys), true)
})

test('POST /admin/rotate-keys rotates and names the published keys', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const before = await published(server)

  const response = await fetch(`${server.issuer}/admin/rotate-keys`, { method: 'POST' })
  assert.equal(response.status, 200)
  const after = await published(server)
  assert.deepEqual(await response.json(), { keys: after.keys.map(({ kid, alg }) => ({ kid, alg })) })
  assert.notDeepEqual(after, before)
})

for (const [what, headers] of Object.entries({
  'a foreign Host (DNS rebinding)': { host: 'rebound.example.com' },
  'a Host that only begins like a local one': { host: '127.0.0.1.example.com' },
  'an Origin (a web page)': { host: '127.0.0.1', origin: 'http://127.0.0.1:3000' },
})) {
  test(`POST /admin/rotate-keys with ${what} is refused and rotates nothing`, async (t) => {
    const server = await start()
    t.after(() => server.close())
    const before = await published(server)

    assert.equal(await statusOf(`${server.issuer}/admin/rotate-keys`, headers), 403)
    assert.deepEqual(await published(server), before)
  })
}

/** `fetch` would not send a Host of ours. */
const statusOf = (url: string, headers: Record<string, string>): Promise<number | undefined> =>
  new Promise((resolve, reject) => {
    httpRequest(url, { method: 'POST', headers }, (response) => {
      response.resume()
      resolve(response.statusCode)
    })
      .on('error', reject)
      .end()
  })

test('a minted token has exactly the claims given, signed by a published key', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const claims = { iss: server.issuer, aud: ORDERS, exp: 1 }

  for (const [header, expected] of [
    [undefined, { alg: 'RS256', typ: 'at+jwt' }],
    [
      { algorithm: 'ES256', type: 'JWT' },
      { alg: 'ES256', typ: 'JWT' },
    ],
    [
      { algorithm: 'EdDSA', type: null },
      { alg: 'EdDSA', typ: undefined },
    ],
  ] as const) {
    const token = await server.mint(claims, header)
    const { payload, protectedHeader } = await jwtVerify(token, createLocalJWKSet(await published(server)), {
      currentDate: new Date(0),
    })
    assert.deepEqual(payload, claims)
    assert.deepEqual({ alg: protectedHeader.alg, typ: protectedHeader.typ }, expected)
  }
  await assert.rejects(server.mint(claims, { algorithm: 'ES512' }), /no signing key for ES512/)
})
