import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { fitsHint, vetDecryptionKeys } from '../../src/keys/decryption-vet.ts'
import { createDecryptionJwk, type PrivateJwk } from '../support/encryption-keys.ts'

const rsa = createDecryptionJwk('RSA')
const otherRsa = createDecryptionJwk('RSA')
const p256 = createDecryptionJwk('P-256')
const x25519 = createDecryptionJwk('X25519')
const kinds = ['P-256', 'P-384', 'P-521', 'X25519', 'oct16', 'oct32', 'oct64'] as const
const RANGE = 'its values are missing, out of range, not on the curve, or do not belong together'

const omit = (jwk: PrivateJwk, ...names: readonly string[]) =>
  Object.fromEntries(Object.entries(jwk).filter(([name]) => !names.includes(name)))

const smallRsa = generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey.export({ format: 'jwk' })
const ed25519 = generateKeyPairSync('ed25519').privateKey.export({ format: 'jwk' })
const secp256k1 = generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey.export({ format: 'jwk' })
/** x of the curve, y of no point on it. */
const offCurve = { ...p256, y: Buffer.alloc(32, 1).toString('base64url') }

test('every kind of key that can open tokens is taken, with use and key_ops for it or without', () => {
  const jwks = [
    rsa,
    ...kinds.map((kind) => createDecryptionJwk(kind)),
    { ...rsa, use: 'enc', alg: 'RSA-OAEP-256', key_ops: ['unwrapKey'] },
    { ...p256, use: 'enc', alg: 'ECDH-ES+A256KW', key_ops: ['deriveBits'] },
    createDecryptionJwk('oct16', { alg: 'A128GCM', key_ops: ['encrypt', 'decrypt'] }),
    createDecryptionJwk('oct64', { alg: 'dir' }),
  ]
  assert.deepEqual(vetDecryptionKeys(jwks).dropped, [])
  assert.equal(vetDecryptionKeys(jwks).keys.length, jwks.length)
})

const base64url = (value: bigint): string => {
  const hex = value.toString(16)
  return Buffer.from(hex.padStart(hex.length + (hex.length % 2), '0'), 'hex').toString('base64url')
}
/** A key with that modulus, which is all that is looked at before the key is used. */
const withFactors = (p: bigint, q: bigint) => ({ ...rsa, p: base64url(p), q: base64url(q), n: base64url(p * q) })
/** 1 is a power of 65537 modulo every prime. */
const small = [3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 53, 61, 71, 73, 79, 97, 103, 107, 109, 127, 151, 157]
const product = small.reduce((all, prime) => all * BigInt(prime), 2n)
const rocaFactor = product * (2n ** 1024n / product) + 1n

for (const { what, jwk, why } of [
  { what: 'no object', jwk: 'key', why: 'its kty is not RSA, EC, OKP or oct' },
  { what: 'a public key', jwk: omit(p256, 'd'), why: 'it has no private part' },
  { what: 'a public RSA key', jwk: { kty: 'RSA', n: rsa.n, e: rsa.e }, why: 'it has no private part' },
  { what: 'a key for signing', jwk: { ...rsa, use: 'sig' }, why: 'its use is not "enc"' },
  {
    what: 'a key of a signing algorithm',
    jwk: { ...p256, alg: 'ES256' },
    why: 'its alg is none of ECDH-ES, ECDH-ES+A128KW, ECDH-ES+A256KW',
  },
  {
    what: 'an Ed25519 key',
    jwk: ed25519,
    why: 'its crv is none of P-256, P-384, P-521, X25519, or not one of its kty',
  },
  { what: 'RSA1_5 (JO-22)', jwk: { ...rsa, alg: 'RSA1_5' }, why: 'its alg is none of RSA-OAEP-256' },
  { what: 'RSA-OAEP with SHA-1', jwk: { ...rsa, alg: 'RSA-OAEP' }, why: 'its alg is none of RSA-OAEP-256' },
  {
    what: 'key_ops for signing',
    jwk: { ...p256, key_ops: ['sign'] },
    why: 'its key_ops have none of deriveKey, deriveBits',
  },
  {
    what: 'key_ops that is no list',
    jwk: { ...rsa, key_ops: 'decrypt' },
    why: 'its key_ops have none of decrypt, unwrapKey',
  },
  {
    what: 'a kid that is no string',
    jwk: { ...p256, kid: 7 },
    why: 'its kid is not a string of at most 256 characters',
  },
  {
    what: 'a kid that is too long',
    jwk: { ...p256, kid: 'k'.repeat(257) },
    why: 'its kid is not a string of at most 256 characters',
  },
  { what: 'RSA with 1024 bits', jwk: smallRsa, why: 'its modulus has 1024 bits, and 2048 to 8192 are accepted' },
  { what: 'RSA without its primes', jwk: omit(rsa, 'p', 'q', 'dp', 'dq', 'qi'), why: RANGE },
  {
    what: 'RSA with 8194 bits, one token of which takes tens of milliseconds',
    jwk: withFactors(2n ** 4097n - 1n, 2n ** 4097n - 3n),
    why: 'its modulus has 8194 bits, and 2048 to 8192 are accepted',
  },
  {
    what: 'RSA with the ROCA weakness',
    jwk: withFactors(rocaFactor, rocaFactor + product),
    why: 'it has the ROCA weakness (CVE-2017-15361)',
  },
  { what: 'RSA with the exponent of another', jwk: { ...rsa, e: 'Aw' }, why: RANGE },
  { what: 'RSA with the exponent 1', jwk: { ...rsa, e: 'AQ' }, why: 'its exponent is 1: it hides nothing' },
  { what: 'RSA with the modulus of another', jwk: { ...rsa, n: otherRsa.n }, why: RANGE },
  { what: 'a point that is not on the curve (JO-21)', jwk: offCurve, why: RANGE },
  {
    what: 'a curve that is not for this',
    jwk: secp256k1,
    why: 'its crv is none of P-256, P-384, P-521, X25519, or not one of its kty',
  },
  {
    what: 'X25519 with kty EC',
    jwk: { ...x25519, kty: 'EC' },
    why: 'its crv is none of P-256, P-384, P-521, X25519, or not one of its kty',
  },
  { what: 'the private part of another EC key', jwk: { ...p256, d: createDecryptionJwk('P-256').d }, why: RANGE },
  {
    what: 'the private part of another X25519 key',
    jwk: { ...x25519, d: createDecryptionJwk('X25519').d },
    why: RANGE,
  },
  {
    what: 'a shared key of 8 octets',
    jwk: { kty: 'oct', k: 'AAAAAAAAAAA' },
    why: 'its k is missing or not as long as a content encryption algorithm needs',
  },
  {
    what: 'a shared key of 32 octets for A128GCM',
    jwk: createDecryptionJwk('oct32', { alg: 'A128GCM' }),
    why: 'its k is missing or not as long as a content encryption algorithm needs',
  },
  {
    what: 'a shared key for wrapping',
    jwk: createDecryptionJwk('oct16', { alg: 'A128KW' }),
    why: 'its alg is none of dir, A128GCM, A256GCM, A128CBC-HS256, A256CBC-HS512',
  },
  {
    what: 'a shared key without k',
    jwk: { kty: 'oct' },
    why: 'its k is missing or not as long as a content encryption algorithm needs',
  },
]) {
  test(`JO-7, JO-8: not taken is ${what}, and it does not spoil the set`, () => {
    const { keys, dropped } = vetDecryptionKeys([jwk, p256])
    assert.equal(keys.length, 1)
    assert.equal(dropped.length, 1)
    assert.equal(dropped[0]?.why, why)
  })
}

test('of a set without end the first 32 keys are used, and the operator hears of it', () => {
  const { keys, dropped } = vetDecryptionKeys(Array.from({ length: 40 }, () => createDecryptionJwk('oct16')))
  assert.equal(keys.length, 32)
  assert.deepEqual(
    dropped.map(({ why }) => why),
    ['the set has 40 keys, those after the 32th are not used'],
  )
})

test('a kid in the log is cut and has no control characters, and no reason holds key material', () => {
  const kid = `${'\n'.repeat(3)}${'k'.repeat(90)}`
  const { dropped } = vetDecryptionKeys([{ ...rsa, kid, use: 'sig' }, offCurve, { ...rsa, e: 'AQ' }])
  assert.equal(dropped[0]?.kid, `???${'k'.repeat(61)}`)
  const text = JSON.stringify(dropped)
  for (const secret of [rsa.d, rsa.p, rsa.n, p256.d, p256.x]) assert.ok(!text.includes(String(secret).slice(0, 12)))
})

const [vettedRsa, vettedEc, vettedX, vetted16, vetted32, vetted64] = vetDecryptionKeys([
  { ...rsa, kid: 'k' },
  p256,
  { ...x25519, alg: 'ECDH-ES' },
  createDecryptionJwk('oct16'),
  createDecryptionJwk('oct32'),
  createDecryptionJwk('oct64'),
]).keys
const vettedGcm = vetDecryptionKeys([createDecryptionJwk('oct32', { alg: 'A256GCM' })]).keys[0]
const every = {
  rsa: vettedRsa,
  ec: vettedEc,
  x25519: vettedX,
  oct16: vetted16,
  oct32: vetted32,
  oct64: vetted64,
  gcm: vettedGcm,
}

for (const { alg, enc = 'A256GCM', kid, fit } of [
  { alg: 'RSA-OAEP-256', fit: ['rsa'] },
  { alg: 'RSA-OAEP-256', kid: 'k', fit: ['rsa'] },
  { alg: 'RSA-OAEP-256', kid: 'K', fit: [] },
  { alg: 'ECDH-ES', fit: ['ec', 'x25519'] },
  { alg: 'ECDH-ES+A128KW', fit: ['ec'] },
  { alg: 'ECDH-ES', kid: 'k', fit: [] },
  { alg: 'dir', enc: 'A128GCM', fit: ['oct16'] },
  { alg: 'dir', enc: 'A256GCM', fit: ['oct32', 'gcm'] },
  { alg: 'dir', enc: 'A128CBC-HS256', fit: ['oct32'] },
  { alg: 'dir', enc: 'A256CBC-HS512', fit: ['oct64'] },
  { alg: 'A256KW', fit: [] },
  { alg: 'A128GCMKW', enc: 'A128GCM', fit: [] },
  { alg: 'dir', enc: 'unknown', fit: [] },
  { alg: 'RSA1_5', fit: [] },
]) {
  test(`a token with ${alg}, ${enc} and ${kid === undefined ? 'no kid' : `kid ${kid}`} is for: ${fit.join(', ') || 'no key'}`, () => {
    const found = Object.entries(every).filter(([, key]) => key !== undefined && fitsHint(key, { alg, enc, kid }))
    assert.deepEqual(
      found.map(([name]) => name),
      fit,
    )
  })
}
