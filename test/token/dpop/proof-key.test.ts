import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { calculateJwkThumbprint, type JWK } from 'jose'
import { importProofKey, readProofKey } from '../../../src/token/dpop/proof-key.ts'
import { PROVER_ALGS } from '../../support/dpop.ts'

const publicJwk = (pair: { readonly publicKey: { export(options: { format: 'jwk' }): unknown } }): JWK =>
  pair.publicKey.export({ format: 'jwk' }) as JWK
const privateJwk = (pair: { readonly privateKey: { export(options: { format: 'jwk' }): unknown } }): JWK =>
  pair.privateKey.export({ format: 'jwk' }) as JWK

const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const ed25519 = generateKeyPairSync('ed25519')
const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const ec = publicJwk(p256)
const ed = publicJwk(ed25519)
const rs = publicJwk(rsa)
const p384 = publicJwk(generateKeyPairSync('ec', { namedCurve: 'P-384' }))
const koblitz = publicJwk(generateKeyPairSync('ec', { namedCurve: 'secp256k1' }))

const faultOf = (jwk: unknown, alg: string): string => {
  const read = readProofKey(jwk, alg)
  if (!read.ok) return read.fault
  return importProofKey(read.value) === undefined ? 'no key' : 'none'
}

test('RFC 7638 section 3.1: the thumbprint of the example there', () => {
  const n =
    '0vx7agoebGcQSuuPiLJXZptN9nndrQmbXEps2aiAFbWhM78LhWx4cbbfAAtVT86zwu1RK7aPFFxuhDR1L6tSoc_BJECPebWKRXjBZCiFV4n3oknjhM' +
    'stn64tZ_2W-5JsGY4Hc5n9yBXArwl93lqt7_RN5w6Cf0h4QyQ5v-65YGjQR0_FDW2QvzqY368QQMicAtaSqzs8KJZgnYb9c7d0zgdAZHzu6qMQvRL' +
    '5hajrn1n91CbOpbISD08qNLyrdkt-bFTWhAI4vMQFh6WeZu0fM4lFd2NcRwr3XPksINHaQ-G_xBniIqbw0Ls1jF44-csFCur-kEgU8awapJzKnqDKgw'
  const read = readProofKey({ kty: 'RSA', n, e: 'AQAB', alg: 'RS256', kid: '2011-04-29' }, 'RS256')
  assert.equal(read.ok && read.value.thumbprint, 'NzbLsXh8uDCcd-6MNwXF4W_7noWXFZAfHkxZsRGC9Xs')
})

test('DP-10: every kind of key has the thumbprint that jose computes, whatever else its JWK says', async () => {
  for (const [jwk, alg] of [
    [ec, 'ES256'],
    [p384, 'ES384'],
    [ed, 'EdDSA'],
    [ed, 'Ed25519'],
    [rs, 'RS256'],
    [rs, 'PS256'],
  ] as const) {
    for (const more of [{}, { kid: 'x', use: 'sig', alg, extra: true }]) {
      const read = readProofKey({ ...jwk, ...more }, alg)
      assert.equal(read.ok && read.value.thumbprint, await calculateJwkThumbprint(jwk), alg)
    }
    assert.equal(faultOf(jwk, alg), 'none', alg)
  }
})

test('DP-4: each algorithm takes keys of one type and curve, and no algorithm but these takes any', () => {
  const fitting = new Map<string, readonly JWK[]>(
    Object.entries({
      ES256: [ec],
      ES384: [p384],
      ES512: [],
      EdDSA: [ed],
      Ed25519: [ed],
      RS256: [rs],
      PS256: [rs],
    }),
  )
  for (const alg of [...PROVER_ALGS, 'none', 'HS256', 'ES256K', 'RS512', 'Ed448', 'toString']) {
    for (const jwk of [ec, p384, ed, rs, koblitz]) {
      assert.equal(
        faultOf(jwk, alg) === 'none',
        fitting.get(alg)?.includes(jwk) ?? false,
        `${alg} ${jwk.kty} ${jwk.crv}`,
      )
    }
    assert.notEqual(faultOf({ kty: 'oct', k: 'c2VjcmV0' }, alg), 'none', alg)
  }
})

test('DP-5: a private key is refused, and each private member alone is, whatever its value', () => {
  const fault = 'a jwk with a private member'
  assert.equal(faultOf(privateJwk(p256), 'ES256'), fault)
  assert.equal(faultOf(privateJwk(rsa), 'RS256'), fault)
  assert.equal(faultOf(privateJwk(ed25519), 'EdDSA'), fault)
  for (const name of ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']) {
    for (const value of ['x', '', null, 0]) assert.equal(faultOf({ ...ec, [name]: value }, 'ES256'), fault, name)
  }
})

/** The last octet is another: with a point of a curve, one that is off it (but for one of two). */
const twisted = (text = ''): string => {
  const bytes = Buffer.from(text, 'base64url')
  bytes[bytes.length - 1] = (bytes.at(-1) ?? 0) ^ 1
  return bytes.toString('base64url')
}
const withZero = (text = ''): string =>
  Buffer.concat([Buffer.alloc(1), Buffer.from(text, 'base64url')]).toString('base64url')
const weak = publicJwk(generateKeyPairSync('rsa', { modulusLength: 1024 }))
const almost = publicJwk(generateKeyPairSync('rsa', { modulusLength: 2040 }))

const wrong: readonly (readonly [string, string, Readonly<Record<string, unknown>>, string])[] = [
  ['DP-5', 'a point off the curve', { ...ec, y: twisted(ec.y) }, 'no key'],
  ['DP-5', 'the point zero', { ...ec, x: 'A'.repeat(43), y: 'A'.repeat(43) }, 'no key'],
  ['DP-5', 'coordinates beyond the field', { ...ec, x: `${'_'.repeat(42)}8`, y: `${'_'.repeat(42)}8` }, 'no key'],
  ['DP-5', 'no x', { ...ec, x: undefined }, 'a jwk without x as long as its curve needs'],
  ['DP-5', 'no y', { ...ec, y: undefined }, 'a jwk without y as long as its curve needs'],
  ['DP-5', 'x as a list', { ...ec, x: [ec.x] }, 'a jwk without x as long as its curve needs'],
  ['DP-5', 'a short y', { ...ec, y: ec.y?.slice(0, 40) }, 'a jwk without y as long as its curve needs'],
  ['DP-5', 'x with a zero in front', { ...ec, x: withZero(ec.x) }, 'a jwk without x as long as its curve needs'],
  ['DP-5', 'x with padding', { ...ec, x: `${ec.x}=` }, 'a jwk without x as long as its curve needs'],
  ['DP-5', 'x in base64', { ...ec, x: `+${ec.x?.slice(1)}` }, 'a jwk without x as long as its curve needs'],
  [
    'JO-16',
    'x in another spelling',
    { ...ec, x: `${ec.x?.slice(0, -1)}B` },
    'a jwk without x as long as its curve needs',
  ],
  ['DP-5', 'another curve', { ...ec, crv: 'P-384' }, 'a jwk of another crv than its algorithm needs'],
  ['DP-5', 'no curve', { ...ec, crv: undefined }, 'a jwk of another crv than its algorithm needs'],
  ['DP-5', 'kty in lower case', { ...ec, kty: 'ec' }, 'a jwk of another kty than its algorithm needs'],
  ['DP-5', 'use enc', { ...ec, use: 'enc' }, 'a jwk that is not for signatures'],
  ['DP-4', 'its own other alg', { ...ec, alg: 'ES384' }, 'a jwk for another algorithm'],
]
for (const [id, name, jwk, fault] of wrong) {
  test(`${id}: an EC key with ${name} is refused`, () => assert.equal(faultOf(jwk, 'ES256'), fault))
}

const wrongRsa: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['1024 bits', weak, 'a jwk whose n has less than 2048 bits'],
  ['2040 bits', almost, 'a jwk whose n has less than 2048 bits'],
  ['2047 bits', { ...rs, n: `f${rs.n?.slice(1)}` }, 'a jwk whose n has less than 2048 bits'],
  [
    '16400 bits',
    { ...rs, n: Buffer.alloc(2050, 0xff).toString('base64url') },
    'a jwk whose n has more than 16384 bits',
  ],
  ['n with a zero in front', { ...rs, n: withZero(rs.n) }, 'a jwk whose n or e begins with a zero octet'],
  ['e with a zero in front', { ...rs, e: withZero(rs.e) }, 'a jwk whose n or e begins with a zero octet'],
  ['e of 1', { ...rs, e: 'AQ' }, 'a jwk whose e is 1, even or beyond 64 bits'],
  ['an even e', { ...rs, e: 'AQAA' }, 'a jwk whose e is 1, even or beyond 64 bits'],
  ['a long e', { ...rs, e: `${'f'.repeat(11)}R` }, 'a jwk whose e is 1, even or beyond 64 bits'],
  ['no n', { ...rs, n: undefined }, 'a jwk without n and e in base64url'],
  ['an empty n', { ...rs, n: '' }, 'a jwk without n and e in base64url'],
  ['e as a number', { ...rs, e: 65537 }, 'a jwk without n and e in base64url'],
]
for (const [name, jwk, fault] of wrongRsa) {
  test(`DP-5: an RSA key with ${name} is refused`, () => assert.equal(faultOf(jwk, 'RS256'), fault))
}

test('DP-5: an RSA key with e of 3, and one of just 2048 bits, are keys', () => {
  assert.equal(
    faultOf(publicJwk(generateKeyPairSync('rsa', { modulusLength: 2048, publicExponent: 3 })), 'PS256'),
    'none',
  )
})
