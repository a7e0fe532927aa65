import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { test } from 'node:test'
import { caFault, jwksFault, jwksFileFault, pemFault } from '../../src/config/files.ts'

const { publicKey, privateKey } = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const publicPem = publicKey.export({ type: 'spki', format: 'pem' }).toString()
const privatePem = privateKey.export({ type: 'pkcs8', format: 'pem' }).toString()
const publicJwk = publicKey.export({ format: 'jwk' })
const privateJwk = privateKey.export({ format: 'jwk' })

for (const [name, pem, expected] of [
  ['a public key', publicPem, undefined],
  ['two public keys', publicPem + publicPem, undefined],
  ['a private key', privatePem, 'holds a private key: only public ones belong here'],
  ['a private key beside a public one', publicPem + privatePem, 'holds a private key: only public ones belong here'],
  ['nothing', 'hello', 'holds no public key in PEM form'],
  ['a broken block', publicPem.replace(/MFk/, 'AAA'), 'holds something that is no public key'],
] as const) {
  test(`a pem_file with ${name}: ${expected ?? 'good'}`, () => assert.equal(pemFault(pem), expected))
}

test('a ca_file must hold certificates, and nothing that only looks like one', () => {
  assert.equal(caFault(publicPem), 'holds something that is no certificate')
  assert.equal(caFault(''), 'holds no certificate in PEM form')
})

for (const [name, set, expected] of [
  ['a public key', { keys: [publicJwk] }, undefined],
  ['a key of an unknown kind beside a good one', { keys: [{ kty: 'new' }, publicJwk] }, undefined],
  ['an empty set', { keys: [] }, 'holds an empty key set: no token could pass'],
  ['no set', [publicJwk], 'holds no JWK set: {"keys": […]}'],
  ['no keys', { keys: {} }, 'holds no JWK set: {"keys": […]}'],
  ['null', null, 'holds no JWK set: {"keys": […]}'],
  ['a text for a key', { keys: ['x'] }, 'holds a key that is no JSON object'],
  [
    'a shared secret',
    { keys: [publicJwk, { kty: 'oct', k: 'c2VjcmV0' }] },
    'holds a symmetric key (`oct`): only public ones belong here',
  ],
  ['a private key', { keys: [privateJwk] }, 'holds a private key: only public ones belong here'],
  ['only unreadable keys', { keys: [{ kty: 'EC', crv: 'P-256', x: 'a', y: 'b' }] }, 'holds no key that can be read'],
] as const) {
  test(`attacks 2.8 row 4: a key set with ${name}: ${expected ?? 'good'}`, () => assert.equal(jwksFault(set), expected))
}

test('a jwks_file that is no JSON says so, without its content', () => {
  assert.equal(jwksFileFault(Buffer.from('{"keys": canary')), 'is not JSON')
  assert.equal(jwksFileFault(Buffer.from([0xff])), 'is not JSON')
  assert.equal(jwksFileFault(Buffer.from(JSON.stringify({ keys: [publicJwk] }))), undefined)
})
