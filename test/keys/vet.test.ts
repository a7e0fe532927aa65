import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { vetKeys } from '../../src/keys/vet.ts'
import { allAlgorithms, publicJwk } from './test-keys.ts'

const ec = await publicJwk('ES256', { kid: 'good' })
const rsa = await publicJwk('RS256')
const ed = await publicJwk('Ed25519')

const rsaOf = (bits: number, exponent = 65537) =>
  generateKeyPairSync('rsa', { modulusLength: bits, publicExponent: exponent }).publicKey.export({ format: 'jwk' })

const base64url = (number: bigint): string => {
  const hex = number.toString(16)
  return Buffer.from(hex.length % 2 === 0 ? hex : `0${hex}`, 'hex').toString('base64url')
}

/** A modulus as Infineon's library made them: a power of 65537 modulo the product of the first primes. */
const rocaModulus = (): string => {
  const primes = [2, 3, 5, 7, 11, 13, 17, 19, 23, 29, 31, 37, 41, 43, 47, 53, 59, 61, 67, 71, 73, 79, 83, 89, 97, 101]
  const product = [...primes, 103, 107, 109, 113, 127, 131, 137, 139, 149, 151, 157, 163, 167].reduce(
    (all, prime) => all * BigInt(prime),
    1n,
  )
  const power = 65537n ** 41n % product
  return base64url(((1n << 2047n) / product + 1n) * product + power)
}

const offCurve = { ...ec, y: `${ec.y?.slice(0, -2)}${ec.y?.endsWith('AA') ? 'AE' : 'AA'}` }

const bad: readonly (readonly [string, unknown, RegExp])[] = [
  ['JO-4: a symmetric key', { kty: 'oct', k: 'c2VjcmV0', kid: 'x' }, /symmetric/],
  [
    'JO-4: a symmetric key that says it is for HS256',
    { kty: 'oct', k: 'c2VjcmV0', alg: 'HS256', use: 'sig' },
    /symmetric/,
  ],
  ['JO-7: a private EC key', { ...ec, d: 'AAAA' }, /PRIVATE/],
  ['JO-7: a private RSA key, whatever its use', { ...rsa, use: 'enc', dp: 'AAAA' }, /PRIVATE/],
  ['JO-7: an empty private member', { ...ec, d: '' }, /PRIVATE/],
  ['JO-6: use enc', { ...ec, use: 'enc' }, /use/],
  ['JO-6: use of another type', { ...ec, use: ['sig'] }, /use/],
  ['JO-6: key_ops without verify', { ...ec, key_ops: ['sign'] }, /key_ops/],
  ['JO-6: key_ops that is no list', { ...ec, key_ops: 'verify' }, /key_ops/],
  ['JO-7: an unknown kty', { kty: 'AKP', alg: 'ML-DSA-44', pub: 'AAAA' }, /kty/],
  ['JO-7: no kty', { x: ec.x, y: ec.y, crv: 'P-256' }, /kty/],
  ['JO-7: a kty of another type', { ...ec, kty: ['EC'] }, /kty/],
  ['JO-7: a curve that is not for signatures', { ...ed, crv: 'X25519' }, /crv/],
  ['JO-7: an unknown curve', { ...ec, crv: 'secp256k1' }, /crv/],
  ['JO-7: a curve named __proto__', { ...ec, crv: '__proto__' }, /crv/],
  ['JO-7: an EC key on Ed25519', { ...ec, crv: 'Ed25519' }, /crv/],
  ['JO-7: an OKP key on P-256', { ...ec, kty: 'OKP' }, /crv/],
  ['JO-7: no y', { kty: 'EC', crv: 'P-256', x: ec.x }, /its y/],
  ['JO-7: a short x', { ...ec, x: 'AAAA' }, /its x/],
  ['JO-7: an x that is no base64url', { ...ed, x: `${ed.x?.slice(0, -1)}=` }, /its x/],
  ['JO-7: a point that is not on the curve', offCurve, /not on the curve/],
  ['JO-7: coordinates of another curve', { ...ec, crv: 'P-384' }, /its x/],
  ['JO-7: no modulus', { kty: 'RSA', e: 'AQAB' }, /n or e/],
  ['JO-7: a modulus of another type', { kty: 'RSA', n: 7, e: 'AQAB' }, /n or e/],
  ['JO-8: RSA with 1024 bits', rsaOf(1024), /1024 bits/],
  ['JO-8: RSA with 2047 bits', { ...rsa, n: base64url((1n << 2046n) + 1n) }, /2047 bits/],
  ['JO-8: RSA with leading zeros instead of length', { ...rsa, n: `${'A'.repeat(200)}${rsaOf(1024).n}` }, /bits/],
  ['a modulus beyond what OpenSSL takes', { ...rsa, n: base64url((1n << 16384n) + 1n) }, /16385 bits/],
  ['the exponent 1', { ...rsa, e: 'AQ' }, /exponent/],
  ['the exponent 0', { ...rsa, e: 'AA' }, /exponent/],
  ['an even exponent', { ...rsa, e: 'AQAA' }, /exponent/],
  ['an exponent as long as the modulus', { ...rsa, e: rsa.n }, /exponent/],
  ['an even modulus', { ...rsa, n: base64url(1n << 2047n) }, /modulus is even/],
  ['the ROCA weakness', { ...rsa, n: rocaModulus() }, /ROCA/],
  ['JO-9: a kid that is a number', { ...ec, kid: 7 }, /kid/],
  ['JO-9: a kid of 257 characters', { ...ec, kid: 'k'.repeat(257) }, /kid/],
  ['JO-5: an alg of another type', { ...ec, alg: ['ES256'] }, /alg/],
  ['JO-5: an alg that does not fit the key', { ...ec, alg: 'ES384' }, /fits none/],
  ['JO-5: an alg that is not allowed', { ...rsa, alg: 'RS512' }, /fits none/],
  ['JO-7: an entry that is null', null, /not a JSON object/],
  ['JO-7: an entry that is a string', 'key', /not a JSON object/],
  ['JO-7: an entry that is a list', [ec], /not a JSON object/],
]

for (const [name, key, why] of bad) {
  test(`${name} is dropped with its reason, and the good key beside it stays`, async () => {
    const { keys, dropped } = await vetKeys([key, ec], allAlgorithms)
    assert.deepEqual(
      keys.map(({ jwk }) => jwk.kid),
      ['good'],
    )
    assert.equal(dropped.length, 1)
    assert.match(dropped[0]?.why ?? '', why)
  })
}

test('JO-5: a key is for the allowed algorithms that its type and curve fit, and for its own alg only if it has one', async () => {
  for (const [key, expected] of [
    [rsa, ['RS256', 'PS256']],
    [{ ...rsa, alg: 'PS256' }, ['PS256']],
    [ec, ['ES256']],
    [await publicJwk('ES384'), ['ES384']],
    [await publicJwk('ES512'), ['ES512']],
    [ed, ['EdDSA', 'Ed25519']],
    [{ ...ed, alg: 'EdDSA' }, ['EdDSA']],
    [{ ...rsa, use: 'sig', key_ops: ['verify', 'encrypt'] }, ['RS256', 'PS256']],
  ] as const) {
    const { keys } = await vetKeys([key], allAlgorithms)
    assert.deepEqual(keys[0]?.algorithms, expected)
  }
})

test('JO-4: HMAC is not among what a key set can be for, even when the allowlist names it', async () => {
  const { keys } = await vetKeys([{ kty: 'oct', k: 'AAAA', alg: 'HS256' }, ec, rsa, ed], ['HS256', 'none'])
  assert.deepEqual(keys, [])
})

test('only the members that count are kept, so that x5c, x5u or jku of a set reach nobody', async () => {
  const { keys } = await vetKeys(
    [{ ...ec, x5u: 'https://evil.example/', x5c: ['AA'], ext: 'no', use: 'sig' }],
    ['ES256'],
  )
  assert.deepEqual(Object.keys(keys[0]?.jwk ?? {}).sort(), ['crv', 'kid', 'kty', 'x', 'y'])
})

test('a set of a thousand keys costs no thousand imports', async () => {
  const { keys, dropped } = await vetKeys(Array<unknown>(1_000).fill(ec), ['ES256'])
  assert.equal(keys.length, 256)
  assert.match(dropped[0]?.why ?? '', /1000 keys/)
})

test('JO-9: the kid of a dropped key is shown without control characters', async () => {
  const { dropped } = await vetKeys([{ kty: 'oct', kid: `a\r\n\u001b[31m\u2028${'x'.repeat(100)}` }], ['ES256'])
  assert.equal(dropped[0]?.kid, `a???[31m?${'x'.repeat(55)}`)
})

test('200 RSA keys made here do not have the mark of ROCA', async () => {
  const { hasRocaMark } = await import('../../src/keys/roca.ts')
  for (let made = 0; made < 200; made++) {
    const { n = '' } = generateKeyPairSync('rsa', { modulusLength: 512 }).publicKey.export({ format: 'jwk' })
    assert.equal(hasRocaMark(BigInt(`0x${Buffer.from(n, 'base64url').toString('hex')}`)), false)
  }
})
