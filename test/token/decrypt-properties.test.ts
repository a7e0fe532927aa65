import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { decrypt } from '../../src/token/decrypt.ts'
import type { TrustedIssuer } from '../../src/token/proof.ts'
import { cpuCost } from '../support/cpu-cost.ts'
import { createDecryptionJwk, decryptionKeys, encrypt } from '../support/encryption-keys.ts'
import { base64url, createKey, ISSUER, issuerKeys, mint, TOKEN_OPTIONS } from '../support/tokens.ts'

const ALPHABET = 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_'
const signer = createKey('ES256', 'sig')
const rsa = createDecryptionJwk('RSA')
const otherRsa = createDecryptionJwk('RSA')
const ec = createDecryptionJwk('P-256')
const shared = { A128GCM: createDecryptionJwk('oct16'), 'A256CBC-HS512': createDecryptionJwk('oct64') }
const decryption = decryptionKeys([rsa, ec, shared.A128GCM, shared['A256CBC-HS512']])
const issuers: readonly TrustedIssuer[] = [
  {
    name: 'main',
    issuer: ISSUER,
    token: TOKEN_OPTIONS,
    keys: await issuerKeys([signer]),
    decryption,
    introspection: undefined,
  },
]
const opens = async (token: string): Promise<boolean> => (await decrypt(token, issuers, createAside(MOST_ASIDE))).ok
/** Short, so that every bit can have its turn. */
const signed = mint({ key: signer, claims: '{"iss":"x"}' })

/** The token with one bit of what a character stands for turned. */
const withBitTurned = (token: string, at: number, bit: number): string => {
  const value = ALPHABET.indexOf(token.charAt(at)) ^ (1 << bit)
  return token.slice(0, at) + ALPHABET.charAt(value) + token.slice(at + 1)
}

for (const { alg, enc, key, bits } of [
  { alg: 'dir', enc: 'A128GCM', key: shared.A128GCM, bits: [0, 1, 2, 3, 4, 5] },
  { alg: 'dir', enc: 'A256CBC-HS512', key: shared['A256CBC-HS512'], bits: [0, 3] },
  { alg: 'ECDH-ES', enc: 'A256GCM', key: ec, bits: [1, 4] },
  { alg: 'ECDH-ES+A256KW', enc: 'A128CBC-HS256', key: ec, bits: [5] },
  { alg: 'RSA-OAEP-256', enc: 'A256GCM', key: rsa, bits: [2] },
]) {
  test(`JO-19: turning any bit of a token with ${alg}, ${enc} closes it (bits ${bits.join(', ')} of every character)`, async () => {
    const token = await encrypt(signed, { key, alg, enc })
    assert.ok(await opens(token))
    const open: string[] = []
    for (const bit of bits) {
      for (let at = 0; at < token.length; at++) {
        if (token.charAt(at) !== '.' && (await opens(withBitTurned(token, at, bit)))) open.push(`${at}/${bit}`)
      }
    }
    assert.deepEqual(open, [])
  })
}

test('JO-19: a part left out, doubled, emptied or exchanged for that of another token closes it', async () => {
  const [one, other] = [
    await encrypt(signed, { key: ec, alg: 'ECDH-ES+A256KW' }),
    await encrypt(signed, { key: ec, alg: 'ECDH-ES+A256KW' }),
  ]
  const parts = one.split('.')
  for (const index of [0, 1, 2, 3, 4]) {
    const part = parts[index] ?? ''
    for (const replacement of ['', part.slice(0, -4), `${part}AAAA`, part + part, other.split('.')[index] ?? '']) {
      const changed = parts.with(index, replacement).join('.')
      assert.equal(await opens(changed), changed === one, `${index} ${replacement.length}`)
    }
  }
})

test('attacks 2.1 row 11: p2c, zip, empty parts and what is not base64url cost next to nothing', async () => {
  const p2c = { alg: 'PBES2-HS512+A256KW', enc: 'A128GCM', cty: 'JWT', p2c: 2 ** 31 - 1, p2s: 'AAAAAAAAAAAAAAAAAAAAAA' }
  for (const token of [
    `${base64url(JSON.stringify(p2c))}.${'A'.repeat(32)}.${'A'.repeat(16)}.AAAA.${'A'.repeat(22)}`,
    await encrypt(Buffer.alloc(5_000_000), { key: ec, alg: 'ECDH-ES', header: { zip: 'DEF' } }),
    '....',
    `${'A'.repeat(8000)}....`,
    `....${'!'.repeat(8000)}`,
    `${base64url(`{"alg":${'['.repeat(6000)}`)}....`,
  ]) {
    const cost = await cpuCost(250, () => decrypt(token, issuers, createAside(MOST_ASIDE)))
    assert.ok(cost < 250, `${cost} ms for ${token.slice(0, 20)} of ${token.length}`)
  }
})

/**
 * To another key, and below our modulus: a number above it is no ciphertext of ours, which OpenSSL says at once and anybody
 * can tell, since both numbers are public.
 */
const encryptedToAnother = async (): Promise<string> => {
  for (;;) {
    const token = await encrypt(signed, { key: otherRsa, alg: 'RSA-OAEP-256' })
    const number = Buffer.from(token.split('.')[1] ?? '', 'base64url')
    if (number.compare(Buffer.from(rsa.n ?? '', 'base64url')) < 0) return token
  }
}

test('JO-25: a bad key, a bad tag and a bad content are one refusal and one class of time', async () => {
  const good = await encrypt(signed, { key: rsa, alg: 'RSA-OAEP-256' })
  const parts = good.split('.')
  const bad = {
    key: await encryptedToAnother(),
    padding: parts.with(1, 'A'.repeat(parts[1]?.length ?? 0)).join('.'),
    tag: parts.with(4, 'A'.repeat(22)).join('.'),
    claims: await encrypt('{"iss":"x"}', { key: rsa, alg: 'RSA-OAEP-256' }),
  }
  const refusals = new Set<string>()
  const costs = new Map<string, number>()
  const spread = (): number => Math.max(...costs.values()) / Math.min(...costs.values())
  // In turns, and the fastest of each: what else the machine does makes a run slower, never faster. Where it did so to all
  // runs of a kind there are more of them.
  for (let run = 0; run < 160 && (run < 40 || spread() >= 2); run++) {
    for (const [name, token] of Object.entries(bad)) {
      const start = performance.now()
      refusals.add(JSON.stringify(await decrypt(token, issuers, createAside(MOST_ASIDE))))
      costs.set(name, Math.min(costs.get(name) ?? Infinity, performance.now() - start))
    }
  }
  assert.deepEqual(
    [...refusals].map((text) => JSON.parse(text)),
    [{ ok: false, refusal: { reason: 'decryption_failed', fault: 'it does not open to a signed JWT' } }],
  )
  assert.ok(spread() < 2, JSON.stringify([...costs]))
})
