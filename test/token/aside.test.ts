import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { createTokenVerifier } from '../../src/token/index.ts'
import type { Verification } from '../../src/token/token-verifier.ts'
import { createDecryptionJwk, decryptionKeys, encrypt } from '../support/encryption-keys.ts'
import { createKey, issuerKeys, mint, NOW, trustedIssuer } from '../support/tokens.ts'

test('no more than so much work is begun at a time, and each that ends makes room, also by failing', async () => {
  const aside = createAside(2)
  const ends: { resolve: () => void; reject: (error: Error) => void }[] = []
  let begun = 0
  const work = () => {
    begun++
    return new Promise<void>((resolve, reject) => ends.push({ resolve, reject }))
  }
  const first = aside.run(work)
  const second = aside.run(work)
  assert.ok(first && second)
  assert.equal(aside.run(work), undefined)
  assert.equal(begun, 2)
  ends[0]?.resolve()
  await first
  const third = aside.run(work)
  assert.ok(third)
  ends[1]?.reject(new Error('failed'))
  await assert.rejects(second, /failed/)
  const thrown = aside.run(() => {
    throw new Error('at once')
  })
  assert.ok(thrown)
  await assert.rejects(thrown, /at once/)
  assert.ok(aside.run(work))
  assert.equal(aside.run(work), undefined)
})

const slow = createKey('ES512', 'slow')
const fast = createKey('ES256', 'fast')
const opener = createDecryptionJwk('P-256', { kid: 'e1' })

const createVerifier = async () => {
  const issuer = trustedIssuer(await issuerKeys([slow, fast]), { decryption: decryptionKeys([opener]) })
  return createTokenVerifier({
    issuers: [issuer],
    tokenSize: 8192,
    cache: 1024 * 1024,
    events: { cache: () => undefined, validated: () => undefined },
  })
}

const reasonOf = (verified: Verification): string => (verified.ok ? 'proven' : verified.refusal.reason)

const tally = (reasons: readonly string[]): Readonly<Record<string, number>> => {
  const counts: Record<string, number> = {}
  for (const reason of reasons) counts[reason] = (counts[reason] ?? 0) + 1
  return counts
}

test('attacks 2.6 row 12: of a flood of slow signatures and decryptions a bounded part is begun, the rest is 503 and no 401', async () => {
  const verifier = await createVerifier()
  const forged = mint({ key: slow }).replace(/.{8}$/, 'AAAAAAAA')
  const closed = await encrypt('a.b.c', { key: opener, alg: 'ECDH-ES' })
  const flood = Array.from({ length: 500 }, (_, index) => verifier.verify(index % 2 ? forged : closed, ['main'], NOW))
  // What is checked in place is not in that queue.
  const quick = verifier.verify(mint({ key: fast }), ['main'], NOW)
  assert.ok(!(quick instanceof Promise))
  assert.equal(reasonOf(quick), 'proven')
  const settled = (await Promise.all(flood)).map(reasonOf)
  assert.deepEqual(tally(settled), {
    signature_invalid: MOST_ASIDE / 2,
    token_malformed: MOST_ASIDE / 2,
    keys_unavailable: 500 - MOST_ASIDE,
  })
  assert.equal(reasonOf(await verifier.verify(mint({ key: slow }), ['main'], NOW)), 'proven')
})
