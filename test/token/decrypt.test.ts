import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { decrypt } from '../../src/token/decrypt.ts'
import { createDecryptionJwk, decryptionKeys, encrypt, type PrivateJwk } from '../support/encryption-keys.ts'
import { ISSUER } from '../support/tokens.ts'
import { agreements, CLOSED, issuer, keys, main, opening, signed, told } from './decrypt-setup.ts'

const encs = ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'] as const
const curves = ['P-256', 'P-384', 'P-521', 'X25519'] as const
const combinations = encs.flatMap((enc) => [
  { alg: 'RSA-OAEP-256', enc, key: keys.RSA },
  { alg: 'dir', enc, key: keys[enc] },
  ...agreements.flatMap((alg) => curves.map((curve) => ({ alg, enc, key: keys[curve] }))),
])

for (const { alg, enc, key } of combinations) {
  test(`a signed JWT encrypted with ${alg}, ${enc} to ${key.kid} opens, with kid and without`, async () => {
    assert.equal(await opening(await encrypt(signed, { key, alg, enc })), 'main')
    assert.equal(await opening(await encrypt(signed, { key, alg, enc, header: { kid: undefined } }), main(key)), 'main')
  })
}

test('apu, apv, typ and cty in other letters are fine, and so is the type of what is inside (oidc-provider)', async () => {
  for (const header of [
    { cty: 'jwt' },
    { cty: 'application/JWT' },
    { cty: 'at+jwt', typ: 'JWT' },
    { apu: 'QWxpY2U', apv: 'Qm9i' },
    // It is not read: the only key that a token may bring is epk (JO-10).
    { jku: 'https://evil.test/jwks', jwk: { kty: 'oct', k: 'AAAA' }, x5u: 'https://evil.test/x' },
  ]) {
    const token = await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES', header })
    assert.equal(await opening(token), 'main', JSON.stringify(header))
  }
})

test('AT-15: where no issuer has decryption keys, five parts are refused at once', () => {
  const outcome = decrypt('a.b.c.d.e', [issuer('main', undefined)], createAside(MOST_ASIDE))
  assert.ok(!(outcome instanceof Promise))
  assert.equal(told(outcome), 'an encrypted token, and no issuer here has keys for one')
})

test('of two keys of one kind both are tried where the token has no kid, and the named one alone where it has', async () => {
  const [one, two] = [createDecryptionJwk('P-256', { kid: 'one' }), createDecryptionJwk('P-256', { kid: 'two' })]
  const token = (key: PrivateJwk, kid: string | undefined) => encrypt(signed, { key, alg: 'ECDH-ES', header: { kid } })
  const issuers = main(one, two)
  assert.equal(await opening(await token(one, undefined), issuers), 'main')
  assert.equal(await opening(await token(two, undefined), issuers), 'main')
  assert.equal(await opening(await token(two, 'two'), issuers), 'main')
  assert.equal(await opening(await token(two, 'one'), issuers), CLOSED)
})

test('keys of several types side by side do no harm: comparing them must not end the process (Node 26)', async () => {
  const [ec, x] = [createDecryptionJwk('P-256'), createDecryptionJwk('X25519')]
  const issuers = [issuer('ec', decryptionKeys([ec, x])), issuer('x', decryptionKeys([x, keys.RSA]))]
  for (let round = 0; round < 3; round++) {
    assert.equal(await opening(await encrypt(signed, { key: ec, alg: 'ECDH-ES' }), issuers), 'ec')
    assert.equal(await opening(await encrypt(signed, { key: x, alg: 'ECDH-ES' }), issuers), 'ec x')
  }
})

test('a token counts as one of the issuers whose keys open it, all of them when they share a key', async () => {
  const [a, b] = [createDecryptionJwk('P-256'), createDecryptionJwk('P-256')]
  const [first, second, third] = [
    issuer('first', decryptionKeys([a])),
    issuer('second', decryptionKeys([b])),
    issuer('third', decryptionKeys([b])),
  ]
  const issuers = [issuer('none', undefined), first, second, third]
  const token = await encrypt(signed, { key: b, alg: 'ECDH-ES' })
  assert.equal(await opening(token, issuers), 'second third')
  assert.equal(await opening(await encrypt(signed, { key: a, alg: 'ECDH-ES' }), issuers), 'first')
  assert.equal(await opening(token, [first]), CLOSED)
})

test('one token costs at most eight private-key operations, and a shared key is tried once', async () => {
  const many = Array.from({ length: 9 }, () => createDecryptionJwk('P-256'))
  const [last, ...others] = many
  assert.ok(last)
  const issuers = [...others, last].map((key, index) => issuer(`i${index}`, decryptionKeys([key])))
  const token = await encrypt(signed, { key: last, alg: 'ECDH-ES' })
  assert.equal(await opening(token, issuers), CLOSED)
  assert.equal(await opening(token, issuers.slice(1)), 'i8')
  const shared = Array.from({ length: 9 }, (_, index) => issuer(`s${index}`, decryptionKeys(others.slice(0, 1))))
  assert.equal(await opening(token, [...shared, ...issuers.slice(8)]), 'i8')
})

test('a key that is taken away while a token is being opened opens it no more', async () => {
  const held = decryptionKeys([keys['P-256']])
  const token = await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' })
  const opened = decrypt(token, [issuer('main', held)], createAside(MOST_ASIDE))
  // The promise has not gone further than the first wait; the key is chosen after it, so let it be chosen.
  await Promise.resolve()
  await Promise.resolve()
  held.replace([])
  assert.equal(told(await opened), CLOSED)
})

test('keys that are still being loaded are waited for', async () => {
  const held = decryptionKeys([])
  let ready = (): void => undefined
  const started = new Promise<void>((resolve) => {
    ready = resolve
  })
  const token = await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' })
  const opened = decrypt(token, [issuer('main', { ...held, started })], createAside(MOST_ASIDE))
  held.replace([keys['P-256']])
  ready()
  assert.equal(told(await opened), 'main')
})

test('AS-12: where no key could be loaded it is not the client who is told to come with another token', async () => {
  const token = await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' })
  assert.deepEqual(await decrypt(token, main(), createAside(MOST_ASIDE)), {
    ok: false,
    refusal: { reason: 'keys_unavailable', issuer: 'main', retryAfterSeconds: 60 },
  })
})

test('keys that break their promise let nobody in and throw nothing', async () => {
  const broken = {
    ...decryptionKeys([]),
    candidates: () => {
      throw new Error('broken')
    },
  }
  const token = await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES' })
  assert.equal(await opening(token, [issuer('main', broken)]), 'internal')
})

for (const { what, header, expected } of [
  {
    what: 'the same issuer and audience',
    header: { iss: ISSUER, aud: 'https://api.test/orders', sub: 'alice' },
    expected: 'main',
  },
  {
    what: 'another issuer',
    header: { iss: 'https://evil.test' },
    expected: 'its header repeats a claim with another value',
  },
  {
    what: 'another audience',
    header: { aud: ['https://api.test/orders'] },
    expected: 'its header repeats a claim with another value',
  },
  { what: 'another subject', header: { sub: 'bob' }, expected: 'its header repeats a claim with another value' },
]) {
  test(`RFC 7519 5.3: a header that repeats ${what}: ${expected}`, async () => {
    assert.equal(await opening(await encrypt(signed, { key: keys['P-256'], alg: 'ECDH-ES', header })), expected)
  })
}

test('RFC 7519 5.3: what cannot be read as claims is for the next step to judge, not for the header', async () => {
  const token = await encrypt('a.b.c', { key: keys['P-256'], alg: 'ECDH-ES', header: { iss: ISSUER } })
  assert.equal(await opening(token), 'other text')
})
