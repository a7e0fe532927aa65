import assert from 'node:assert/strict'
import { generateKeyPairSync, sign } from 'node:crypto'
import { test } from 'node:test'
import { type CryptoKey, importJWK } from 'jose'
import { checkSignature } from '../../src/token/signature.ts'
import { base64url, createKey, mint, signWith, type TestAlg, type TestKey } from '../support/tokens.ts'

const ALGS: readonly TestAlg[] = ['RS256', 'PS256', 'ES256', 'ES384', 'EdDSA']
const keys = ALGS.map((alg) => createKey(alg, alg))
const publicKey = async ({ jwk }: TestKey, alg = jwk.alg) => (await importJWK(jwk, alg)) as CryptoKey

test('a signature by the key is proven, with each algorithm, and Ed25519 by either name (JO-26)', async () => {
  for (const key of keys) {
    assert.equal(await checkSignature(mint({ key }), key.alg, await publicKey(key)), true, key.alg)
    if (key.alg !== 'EdDSA') continue
    const renamed = mint({ key, header: { alg: 'Ed25519' } })
    assert.equal(await checkSignature(renamed, 'Ed25519', await publicKey(key)), true)
  }
})

test('AT-7: a changed, cut, doubled, empty or foreign signature is not', async () => {
  for (const key of keys) {
    const token = mint({ key })
    const [header = '', payload = '', signature = ''] = token.split('.')
    const raw = Buffer.from(signature, 'base64url')
    const input = `${header}.${payload}`
    const other = createKey(key.alg === 'RS256' ? 'ES256' : key.alg, 'other')
    const wrong: Record<string, Uint8Array> = {
      empty: Buffer.alloc(0),
      zero: Buffer.alloc(raw.length),
      cut: raw.subarray(0, -1),
      longer: Buffer.concat([raw, Buffer.alloc(1)]),
      doubled: Buffer.concat([raw, raw]),
      flipped: raw.map((byte, at) => (at === 5 ? byte ^ 1 : byte)),
      foreign: signWith(other, input),
      'of other bytes': signWith(key, `${input}x`),
    }
    for (const [name, bytes] of Object.entries(wrong)) {
      const verdict = await checkSignature(`${input}.${base64url(bytes)}`, key.alg, await publicKey(key))
      assert.equal(verdict, false, `${key.alg} ${name}`)
    }
  }
})

test('an ECDSA signature in DER is not a JWS signature', async () => {
  const key = createKey('ES256', 'es')
  const input = mint({ key }).split('.').slice(0, 2).join('.')
  const der = sign('sha256', Buffer.from(input), { key: key.privateKey, dsaEncoding: 'der' })
  assert.equal(await checkSignature(`${input}.${base64url(der)}`, 'ES256', await publicKey(key)), false)
})

test('a key that is weak or of another family is a refusal, though the engine throws', async () => {
  const weak = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const weakKey = (await importJWK(weak.publicKey.export({ format: 'jwk' }), 'RS256')) as CryptoKey
  const small: TestKey = { ...createKey('ES256', 'x'), alg: 'RS256', privateKey: weak.privateKey }
  assert.equal(await checkSignature(mint({ key: small }), 'RS256', weakKey), false)
  for (const key of keys) {
    for (const other of keys) {
      if (other.alg === key.alg) continue
      const verdict = await checkSignature(mint({ key }), key.alg, await publicKey(other))
      assert.equal(verdict, false, `${key.alg} with a key for ${other.alg}`)
    }
  }
})

test('JO-1: the algorithm asked for is the only one, and an unknown one proves nothing', async () => {
  const key = createKey('ES256', 'es')
  const imported = await publicKey(key)
  assert.equal(await checkSignature(mint({ key }), 'ES384', imported), false)
  assert.equal(await checkSignature(mint({ key, header: { alg: 'XS256' } }), 'XS256', imported), false)
  assert.equal(await checkSignature(mint({ key, header: { alg: 'none' } }), 'none', imported), false)
})

test('what is no JWS proves nothing, and nothing is thrown', async () => {
  const imported = await publicKey(createKey('ES256', 'es'))
  for (const token of ['', 'a', 'a.b', '..', 'a.b.c', 'e30..', '....', 'é.é.é']) {
    assert.equal(await checkSignature(token, 'ES256', imported), false)
  }
  assert.equal(await checkSignature('a.b', 'ES256', imported), false)
})
