import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import {
  caFault,
  certificateFault,
  decryptionSetFault,
  jwksFault,
  jwksFileFault,
  pemFault,
  privateKeyFault,
  readRegularFile,
  readRegularFileAside,
  signingKeyFault,
} from '../../src/config/files.ts'
import { issue } from '../support/tls.ts'

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

const leaf = issue('gateway.test')
const bytesOf = (value: unknown): Uint8Array =>
  new TextEncoder().encode(typeof value === 'string' ? value : JSON.stringify(value))

test('listen.tls: a certificate chain and a private key, and each only as itself', () => {
  assert.equal(certificateFault(leaf.cert), undefined)
  assert.equal(certificateFault(leaf.cert + issue('ca').cert), undefined)
  assert.equal(certificateFault(leaf.key), 'holds no certificate in PEM form')
  assert.equal(certificateFault(leaf.cert.replace(/MII./, 'AAAA')), 'holds something that is no certificate')
  assert.equal(privateKeyFault(leaf.key), undefined)
  assert.match(privateKeyFault(leaf.cert) ?? '', /^holds no private key/)
})

test('introspection: the key of private_key_jwt is a JWK or PEM with its private part', () => {
  assert.equal(signingKeyFault(bytesOf(privatePem)), undefined)
  assert.equal(signingKeyFault(bytesOf(privateJwk)), undefined)
  for (const wrong of [publicPem, publicJwk, 'hello', '{}', '']) {
    assert.match(signingKeyFault(bytesOf(wrong)) ?? '', /^holds no private key/, String(wrong))
  }
})

test('introspection: a key that no signature of the list can be made with is no good', () => {
  const weak = [
    generateKeyPairSync('x25519').privateKey,
    generateKeyPairSync('ec', { namedCurve: 'secp256k1' }).privateKey,
    generateKeyPairSync('rsa', { modulusLength: 1024 }).privateKey,
  ]
  for (const key of weak) {
    const pem = String(key.export({ type: 'pkcs8', format: 'pem' }))
    assert.match(signingKeyFault(bytesOf(pem)) ?? '', /^holds a key that signs with none of /)
  }
})

test('decryption: the set must hold a private or a shared key that could open a token', () => {
  const octets = (length: number) => ({ kty: 'oct', k: Buffer.alloc(length, 7).toString('base64url') })
  const okp = (type: 'x25519' | 'ed25519') =>
    (type === 'x25519' ? generateKeyPairSync(type) : generateKeyPairSync(type)).privateKey.export({ format: 'jwk' })
  const useless = [publicJwk, octets(6), okp('ed25519'), { ...privateJwk, use: 'sig' }, { kty: 'EC' }, 'x', null]
  const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey.export({ format: 'jwk' })
  for (const key of [
    privateJwk,
    { ...privateJwk, use: 'enc' },
    rsa,
    okp('x25519'),
    octets(16),
    octets(32),
    octets(64),
  ]) {
    assert.equal(decryptionSetFault(bytesOf({ keys: [...useless, key] })), undefined)
  }
  for (const keys of [[], ...useless.map((key) => [key])]) {
    assert.equal(
      decryptionSetFault(bytesOf({ keys })),
      'holds no private key that could open a token',
      JSON.stringify(keys).slice(0, 60),
    )
  }
  assert.equal(decryptionSetFault(bytesOf(privateJwk)), 'holds no JWK set: {"keys": […]}')
  assert.equal(decryptionSetFault(bytesOf('hello')), 'is not JSON')
})

test('a chain or a list of CAs whose last certificate is cut off is not taken for a shorter one', () => {
  const chain = leaf.cert + issue('ca').cert
  for (const faultOf of [certificateFault, caFault]) {
    assert.equal(faultOf(chain), undefined)
    assert.equal(faultOf(`CA of -----the----- tests\n${chain}`), undefined)
    assert.equal(faultOf(chain.slice(0, -30)), 'holds a certificate that is cut off')
    assert.equal(faultOf(chain.slice(0, leaf.cert.length + 40)), 'holds a certificate that is cut off')
  }
})

test('a file is read aside as it is read at the start, and refused with the same words', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-files-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string): string => join(folder, name)
  writeFileSync(file('good'), 'content')
  writeFileSync(file('large'), '')
  truncateSync(file('large'), 33 * 1024 * 1024)
  for (const [path, fault] of [
    [file('good'), undefined],
    [folder, 'is a directory'],
    [file('nowhere'), 'does not exist'],
    [file('good/below'), 'does not exist'],
    ['/dev/zero', 'is not a regular file'],
    [file('large'), 'is too large (more than 32 MiB)'],
  ] as const) {
    const aside = await readRegularFileAside(path)
    assert.deepEqual(aside, readRegularFile(path))
    assert.equal(aside.ok ? undefined : aside.fault, fault)
    if (aside.ok) assert.equal(Buffer.from(aside.bytes).toString(), 'content')
  }
})
