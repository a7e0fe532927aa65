import assert from 'node:assert/strict'
import { generateKeyPairSync, type KeyObject } from 'node:crypto'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { decodeProtectedHeader, jwtVerify } from 'jose'
import { ISSUER, NOW } from '../../support/tokens.ts'
import { goodMembers, secretFile, startIntrospecting } from './setup.ts'

const formDecoded = (text: string): string => new URLSearchParams(`v=${text}`).get('v') ?? ''

test('IN-2: client_secret_basic: form-encoded before base64 (RFC 6749 section 2.3.1), and not in the form', async (t) => {
  const secret = 'a:b c+d%2f&é=ü€'
  const stage = await startIntrospecting(t, { secret, introspection: { clientId: 'id:with colon' } })
  await stage.reason()
  const call = stage.server.calls[0]
  const [scheme, value = ''] = (call?.headers.authorization ?? '').split(' ')
  const [id = '', password = '', ...more] = Buffer.from(value, 'base64').toString('latin1').split(':')
  assert.deepEqual([scheme, formDecoded(id), formDecoded(password), more], ['Basic', 'id:with colon', secret, []])
  assert.deepEqual([...(call?.form.keys() ?? [])], ['token', 'token_type_hint'])
})

test('IN-2: client_secret_post: id and secret in the form, no field', async (t) => {
  const stage = await startIntrospecting(t, { secret: 'p&w=1\r\n', introspection: { auth: 'client_secret_post' } })
  await stage.reason()
  const call = stage.server.calls[0]
  assert.deepEqual([call?.form.get('client_id'), call?.form.get('client_secret')], ['gateway', 'p&w=1'])
  assert.equal(call?.headers.authorization, undefined)
})

const pem = (key: KeyObject): string => key.export({ type: 'pkcs8', format: 'pem' }) as string
const jwk = (key: KeyObject, members: object = {}): string =>
  JSON.stringify({ ...key.export({ format: 'jwk' }), ...members })

const rsa = generateKeyPairSync('rsa', { modulusLength: 2048 })
const p256 = generateKeyPairSync('ec', { namedCurve: 'P-256' })
const p384 = generateKeyPairSync('ec', { namedCurve: 'P-384' })
const p521 = generateKeyPairSync('ec', { namedCurve: 'P-521' })
const edwards = generateKeyPairSync('ed25519')

for (const [name, pair, content, header] of [
  ['an RSA key in PEM form', rsa, pem(rsa.privateKey), { alg: 'RS256' }],
  ['an RSA key in PKCS#1 form', rsa, rsa.privateKey.export({ type: 'pkcs1', format: 'pem' }), { alg: 'RS256' }],
  [
    'an RSA key whose JWK says PS256',
    rsa,
    jwk(rsa.privateKey, { alg: 'PS256', kid: 'g1' }),
    { alg: 'PS256', kid: 'g1' },
  ],
  ['a P-256 key in PEM form', p256, pem(p256.privateKey), { alg: 'ES256' }],
  ['a P-384 key as JWK', p384, jwk(p384.privateKey, { kid: 'g2' }), { alg: 'ES384', kid: 'g2' }],
  ['a P-521 key as JWK', p521, jwk(p521.privateKey), { alg: 'ES512' }],
  ['an Ed25519 key in PEM form', edwards, pem(edwards.privateKey), { alg: 'EdDSA' }],
] as const) {
  test(`IN-2, IN-3: private_key_jwt with ${name}: for the issuer alone, from us, short, once`, async (t) => {
    const stage = await startIntrospecting(t, { secret: String(content), introspection: { auth: 'private_key_jwt' } })
    await stage.reason('a')
    await stage.reason('b')
    const [first, second] = stage.server.calls
    assert.equal(first?.form.get('client_id'), 'gateway')
    assert.equal(first?.form.get('client_assertion_type'), 'urn:ietf:params:oauth:client-assertion-type:jwt-bearer')
    assert.equal(first?.headers.authorization, undefined)
    const assertion = first?.form.get('client_assertion') ?? ''
    const { payload } = await jwtVerify(assertion, pair.publicKey, { currentDate: new Date(NOW * 1000) })
    const { jti, ...claims } = payload
    assert.deepEqual(claims, { iss: 'gateway', sub: 'gateway', aud: ISSUER, iat: NOW, exp: NOW + 60 })
    assert.deepEqual(decodeProtectedHeader(assertion), header)
    const again = await jwtVerify(second?.form.get('client_assertion') ?? '', pair.publicKey, {
      currentDate: new Date(NOW * 1000),
    })
    assert.ok(typeof jti === 'string' && jti.length >= 32 && again.payload.jti !== jti)
  })
}

for (const [name, content, message] of [
  ['a text', 'not a key', /is no private key in JWK or PEM form$/],
  ['a public key', rsa.publicKey.export({ type: 'spki', format: 'pem' }), /is no private key/],
  ['a public JWK', jwk(rsa.publicKey), /is no private key/],
  ['half a JWK', '{"kty":"RSA"', /is no private key/],
  ['a key for key agreement', pem(generateKeyPairSync('x25519').privateKey), /is no private key/],
  ['a JWK for another algorithm', jwk(p256.privateKey, { alg: 'RS256' }), /the key cannot sign with RS256$/],
] as const) {
  test(`IN-8: ${name} in place of the private key is our fault: 500, nobody is asked, no key in the message`, async (t) => {
    const stage = await startIntrospecting(t, { secret: String(content), introspection: { auth: 'private_key_jwt' } })
    assert.equal(await stage.reason(), 'internal')
    assert.equal(stage.server.calls.length, 0)
    assert.match(stage.events[1] ?? '', message)
  })
}

test('a replaced secret counts within a second, and the file is read no more often', async (t) => {
  const file = secretFile(t, 'old\n')
  const stage = await startIntrospecting(t, { introspection: { credentialFile: file, auth: 'client_secret_post' } })
  stage.server.say(goodMembers())
  await stage.reason('a')
  writeFileSync(file, 'new\n')
  stage.clock.advance(999)
  await stage.reason('b')
  stage.clock.advance(1)
  await stage.reason('c')
  assert.deepEqual(
    stage.server.calls.map(({ form }) => form.get('client_secret')),
    ['old', 'old', 'new'],
  )
})
