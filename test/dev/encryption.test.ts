import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { compactDecrypt, createRemoteJWKSet, decodeProtectedHeader, importJWK, jwtVerify } from 'jose'
import { type Encryption, readEncryption } from '../../src/dev/encryption.ts'
import { startTestAuthorizationServer } from '../support/authorization-server.ts'
import { createDecryptionJwk, type PrivateJwk } from '../support/encryption-keys.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'
const resources = { [ORDERS]: ['orders:read'], [BILLING]: ['billing:read'] }
const rsa = createDecryptionJwk('RSA', { kid: 'rsa' })
const ec = createDecryptionJwk('P-384', { kid: 'ec' })
const x25519 = createDecryptionJwk('X25519', { kid: 'x' })
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })

const reading = async (t: TestContext, ...keys: readonly unknown[]): Promise<Encryption> => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-dev-'))
  t.after(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys }))
  return readEncryption(join(folder, 'keys.json'))
}

for (const { what, keys, alg, kid } of [
  { what: 'RSA', keys: [rsa], alg: 'RSA-OAEP-256', kid: 'rsa' },
  { what: 'EC', keys: [ec], alg: 'ECDH-ES+A256KW', kid: 'ec' },
  { what: 'X25519 without kid', keys: [{ ...x25519, kid: undefined }], alg: 'ECDH-ES+A256KW', kid: undefined },
  { what: 'the algorithm that the key names', keys: [{ ...ec, alg: 'ECDH-ES' }], alg: 'ECDH-ES', kid: 'ec' },
  {
    what: 'the first after those that are for something else',
    keys: [
      null,
      'key',
      createDecryptionJwk('oct32'),
      ed25519,
      { ...rsa, use: 'sig' },
      { ...rsa, alg: 'RSA1_5' },
      { ...ec, y: 'AAAA' },
      ec,
    ],
    alg: 'ECDH-ES+A256KW',
    kid: 'ec',
  },
]) {
  test(`tokens are encrypted to a key of the gateway's file: ${what}`, async (t) => {
    const read = await reading(t, ...keys)
    assert.deepEqual([read.alg, read.enc, read.kid, read.key.type], [alg, 'A256GCM', kid, 'public'])
  })
}

test('a file with nothing to encrypt to is an error that quotes nothing of it', async (t) => {
  const shared = createDecryptionJwk('oct32')
  await assert.rejects(reading(t, shared, ed25519), (error: Error) => {
    assert.match(error.message, /: `dev\.encrypt` needs an RSA, EC or X25519 key for encryption in it$/)
    assert.ok(!error.message.includes(String(shared.k)))
    return true
  })
})

const decrypted = async (token: string, jwk: PrivateJwk) => {
  const { plaintext } = await compactDecrypt(token, await importJWK(jwk, decodeProtectedHeader(token).alg))
  return Buffer.from(plaintext).toString()
}

for (const key of [rsa, ec, x25519]) {
  test(`AT-16: an encrypted token (${key.kid}) is a signed RFC 9068 token in a JWE, for users and clients, for its resource alone`, async (t) => {
    const to = await reading(t, key)
    const server = await startTestAuthorizationServer({ resources, encrypt: { resources: [ORDERS], to } })
    t.after(() => server.close())
    const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`))
    const { access_token: users = '' } = await server.codeFlow({ resource: [ORDERS], scope: 'orders:read' })

    for (const [token, subject] of [
      [await server.accessToken(ORDERS), 'machine'],
      [users, 'alice'],
    ] as const) {
      assert.equal(token.split('.').length, 5)
      const { payload, protectedHeader } = await jwtVerify(await decrypted(token, key), keys, { typ: 'at+jwt' })
      assert.deepEqual([payload.aud, payload.sub, payload.scope], [ORDERS, subject, 'orders:read'])
      assert.ok(protectedHeader.kid)
    }
    assert.equal((await server.accessToken(BILLING)).split('.').length, 3)
  })
}

test('the published key set has no key to encrypt to', async (t) => {
  const to = await reading(t, { ...ec, kid: 'enc' })
  const server = await startTestAuthorizationServer({ resources, encrypt: { resources: [ORDERS], to } })
  t.after(() => server.close())
  const published = await (await fetch(`${server.issuer}/jwks`)).text()
  assert.match(published, /"kty"/)
  for (const text of ['"enc"', String(ec.x), String(ec.d)]) assert.ok(!published.includes(text), text)
})

test('without a key there is no token for an encrypted resource, rather than one that everybody can read', async (t) => {
  const server = await startTestAuthorizationServer({ resources, encrypt: { resources: [ORDERS], to: undefined } })
  t.after(() => server.close())
  const answer = await server.clientCredentials({ resource: ORDERS })
  assert.deepEqual([answer.status, answer.access_token, answer.error], [500, undefined, 'server_error'])
  assert.equal((await server.clientCredentials({ resource: BILLING })).status, 200)
})
