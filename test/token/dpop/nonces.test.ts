import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { test } from 'node:test'
import { createNonces } from '../../../src/token/dpop/nonces.ts'

const secret = Buffer.alloc(32, 7)
const nonces = createNonces(secret, 60_000)
/** The beginning of a window. */
const START = 1_800_000_000

test('DP-16: a nonce counts in its window and the next, and then no more', () => {
  const nonce = nonces.current(START + 59.9)
  assert.equal(nonce, nonces.current(START))
  for (const later of [0, 59.9, 60, 119.9]) assert.equal(nonces.isFresh(nonce, START + later), true, String(later))
  for (const later of [120, 3600, -0.1]) assert.equal(nonces.isFresh(nonce, START + later), false, String(later))
  assert.notEqual(nonces.current(START + 60), nonce)
})

test('DP-16: it cannot be guessed, says nothing, and is one that a challenge may carry (RFC 9449 section 8.1)', () => {
  const nonce = nonces.current(START)
  assert.match(nonce, /^[A-Za-z0-9_-]{24}$/)
  assert.ok(Buffer.from(nonce, 'base64url').length * 8 >= 128)
  assert.notEqual(createNonces(randomBytes(32), 60_000).current(START), nonce)
})

test('DP-16: all who share the secret agree, and nobody else does (DP-17)', () => {
  const nonce = nonces.current(START)
  assert.equal(createNonces(Buffer.from(secret), 60_000).isFresh(nonce, START + 1), true)
  assert.equal(createNonces(Buffer.alloc(32, 8), 60_000).isFresh(nonce, START + 1), false)
})

test('DP-17: a nonce in another spelling, cut, longer or empty is not ours', () => {
  const nonce = nonces.current(START)
  for (const other of ['', nonce.slice(0, -1), `${nonce}=`, `${nonce}A`, ` ${nonce}`, `A${nonce.slice(1)}B`, 'é']) {
    assert.equal(nonces.isFresh(other, START), false, other)
  }
  const flipped = `${nonce.startsWith('A') ? 'B' : 'A'}${nonce.slice(1)}`
  assert.equal(nonces.isFresh(flipped, START), false)
})
