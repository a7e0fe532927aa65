import assert from 'node:assert/strict'
import { test } from 'node:test'
import { refreshDelay, retryDelay, usableMs } from '../../src/keys/schedule.ts'

const minute = 60_000
const refresh = { intervalMs: 10 * minute, maxStaleMs: 24 * 60 * minute, cooldownMs: 30_000, timeoutMs: 5_000 }
const low = () => 0
const high = () => 0.999_999

test('a refresh comes within the interval, up to a fifth sooner', () => {
  assert.equal(refreshDelay(refresh, undefined, low), 10 * minute)
  assert.equal(Math.round(refreshDelay(refresh, undefined, high)), 8 * minute)
})

test('max-age makes it sooner, but not than a tenth of the interval or the cooldown, and never later', () => {
  for (const [options, maxAgeMs, expected] of [
    [refresh, 5 * minute, 5 * minute],
    [refresh, 1_000, minute],
    [refresh, 60 * minute, 10 * minute],
    [{ ...refresh, cooldownMs: 2 * minute }, 1_000, 2 * minute],
    [{ ...refresh, maxStaleMs: 10 * minute }, undefined, 5 * minute],
    [{ ...refresh, maxStaleMs: 0 }, undefined, 5 * minute],
  ] as const) {
    assert.equal(refreshDelay(options, maxAgeMs, low), expected)
  }
})

test('AS-10: max_stale bounds the use of keys; 0 keeps nothing beyond the interval', () => {
  assert.equal(usableMs(refresh), 24 * 60 * minute)
  assert.equal(usableMs({ ...refresh, maxStaleMs: 0 }), 10 * minute)
})

test('AS-9: without keys a retry comes after 0.5 s to 30 s, with keys after the cooldown to 5 min', () => {
  const most = (serving: boolean) =>
    [1, 2, 3, 4, 5, 6, 7, 1_000].map((failures) => Math.round(retryDelay(refresh, failures, serving, high) / 500) / 2)
  assert.deepEqual(most(false), [1, 2, 4, 8, 16, 30, 30, 30])
  assert.deepEqual(most(true), [60, 120, 240, 300, 300, 300, 300, 300])
  for (const failures of [1, 5, 1_000]) {
    assert.equal(retryDelay(refresh, failures, false, low), 500)
    assert.equal(retryDelay(refresh, failures, true, low), 30_000)
  }
  assert.equal(retryDelay({ ...refresh, cooldownMs: 10 * minute }, 1, true, high), 10 * minute)
  assert.equal(retryDelay({ ...refresh, cooldownMs: 0 }, 1, true, low), 500)
})
