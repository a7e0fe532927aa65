import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenOptions } from '../../src/token/options.ts'
import {
  createDecryptionJwk,
  decryptionKeys,
  encrypt,
  type PrivateJwk,
  type TestDecryptionKeys,
} from '../support/encryption-keys.ts'
import { base64url, createKey, ISSUER, issuerKeys, mint, NOW, trustedIssuer } from '../support/tokens.ts'
import { createVerifying, passed, reasonOf } from '../support/verifying.ts'

const signer = createKey('ES256', 'sig')
const stranger = createKey('ES256', 'sig')
const own = createDecryptionJwk('P-256', { kid: 'own' })
const other = createDecryptionJwk('P-256', { kid: 'other' })
const shared = createDecryptionJwk('P-256', { kid: 'shared' })
const OTHER_ISSUER = 'https://other.test'

const decrypting = (required: boolean): Partial<TokenOptions> => ({ decryption: { file: '/keys.json', required } })

/** A verifier of `plain`, which has no decryption, of `enc` and `other`, which have, and of `must`, which asks for it. */
const setting = async () => {
  const keys = await issuerKeys([signer])
  const decryption: TestDecryptionKeys = decryptionKeys([own, shared])
  const { verifier, events } = await createVerifying({
    keys: [signer],
    others: [
      trustedIssuer(keys, { name: 'plain' }),
      trustedIssuer(keys, { name: 'enc', decryption, token: decrypting(false) }),
      trustedIssuer(keys, {
        name: 'other',
        issuer: OTHER_ISSUER,
        decryption: decryptionKeys([other, shared]),
        token: decrypting(false),
      }),
      trustedIssuer(keys, { name: 'must', decryption, token: decrypting(true) }),
    ],
  })
  return {
    verifier,
    events,
    decryption,
    reason: async (token: string, ...names: readonly string[]) => reasonOf(await verifier.verify(token, names, NOW)),
  }
}

const wrap = (token: string, key: PrivateJwk = own): Promise<string> => encrypt(token, { key, alg: 'ECDH-ES+A256KW' })

test('an encrypted token is proven by what is in it, and is then known without being opened again', async () => {
  const { verifier, events } = await setting()
  const token = await wrap(mint({ key: signer, claims: { sub: 'bob' } }))
  const first = verifier.verify(token, ['enc'], NOW)
  assert.ok(first instanceof Promise)
  assert.deepEqual([passed(await first).subject, passed(await first).issuer], ['bob', 'enc'])
  const second = verifier.verify(token, ['enc'], NOW)
  assert.ok(!(second instanceof Promise))
  assert.equal(passed(second).subject, 'bob')
  assert.deepEqual(events, ['miss', 'enc none', 'hit'])
})

test('AT-15: required refuses what is not encrypted, without it both forms count, without keys the encrypted one does not', async () => {
  const { reason } = await setting()
  const bare = mint({ key: signer })
  const wrapped = await wrap(bare)
  assert.equal(await reason(bare, 'must'), 'decryption_failed')
  assert.equal(await reason(wrapped, 'must'), 'none')
  assert.equal(await reason(bare, 'enc'), 'none')
  assert.equal(await reason(wrapped, 'enc'), 'none')
  assert.equal(await reason(wrapped, 'plain'), 'decryption_failed')
})

const unsigned = `${base64url('{"alg":"none","typ":"at+jwt"}')}.${mint({ key: signer }).split('.')[1]}.`

for (const { what, inner, expected } of [
  { what: 'a signature of somebody else', inner: mint({ key: stranger }), expected: 'signature_invalid' },
  { what: 'no signature (CVE-2026-29000)', inner: unsigned, expected: 'algorithm_refused' },
  { what: 'an ID token', inner: mint({ key: signer, header: { typ: 'JWT' } }), expected: 'token_type_wrong' },
  {
    what: 'a token that has expired',
    inner: mint({ key: signer, claims: { exp: NOW - 31 } }),
    expected: 'token_expired',
  },
  {
    what: 'a token of an issuer that is not trusted',
    inner: mint({ key: signer, claims: { iss: 'https://evil.test' } }),
    expected: 'issuer_untrusted',
  },
  { what: 'no issuer', inner: mint({ key: signer, claims: { iss: undefined } }), expected: 'claim_missing' },
  { what: 'claims that are no JSON', inner: mint({ key: signer, claims: '{' }), expected: 'token_malformed' },
  {
    what: 'an inner cty of a nested token (JO-20)',
    inner: mint({ key: signer, header: { cty: 'JWT' } }),
    expected: 'token_malformed',
  },
] as const) {
  test(`JO-19: a good JWE does not help ${what}`, async () => {
    const { reason } = await setting()
    assert.equal(await reason(await wrap(inner), 'enc'), expected)
  })
}

test('AT-16: the claims of the JWE header count for nothing', async () => {
  const { verifier } = await setting()
  const token = await encrypt(mint({ key: signer }), {
    key: own,
    alg: 'ECDH-ES',
    header: { scope: 'admin', typ: 'JWT', exp: 1 },
  })
  assert.deepEqual(passed(await verifier.verify(token, ['enc'], NOW)).scopes, ['orders:read', 'orders:write'])
})

test('AT-6: a token that opens with the keys of one issuer is no token of another', async () => {
  const { verifier, reason } = await setting()
  const claimsOther = mint({ key: signer, claims: { iss: OTHER_ISSUER } })
  assert.equal(await reason(await wrap(claimsOther, other), 'enc', 'other'), 'none')
  assert.equal(await reason(await wrap(mint({ key: signer }), other), 'enc', 'other'), 'decryption_failed')
  assert.equal(await reason(await wrap(claimsOther, own), 'enc', 'other'), 'decryption_failed')
  // A resource at which only the issuer without these keys counts does not open it at all.
  assert.equal(await reason(await wrap(claimsOther, other), 'enc'), 'decryption_failed')
  const token = passed(await verifier.verify(await wrap(claimsOther, shared), ['enc', 'other'], NOW))
  assert.deepEqual([token.issuer, token.iss], ['other', OTHER_ISSUER])
  assert.equal(await reason(await wrap(mint({ key: signer }), shared), 'enc', 'other'), 'none')
  assert.equal(token.iss === ISSUER, false)
})

test('AS-11: a token that was proven is refused when the key that opened it is gone', async () => {
  const { decryption, reason } = await setting()
  const token = await wrap(mint({ key: signer }))
  assert.equal(await reason(token, 'enc'), 'none')
  decryption.replace([shared, own])
  assert.equal(await reason(token, 'enc'), 'none')
  decryption.replace([shared])
  assert.equal(await reason(token, 'enc'), 'decryption_failed')
})

test('JO-20: a token that is too long is refused before it is opened', async () => {
  const { reason } = await setting()
  assert.equal(
    await reason(await wrap(mint({ key: signer, claims: { pad: 'x'.repeat(8000) } })), 'enc'),
    'token_too_long',
  )
})
