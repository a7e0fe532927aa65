import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { lifetimeOf, timeRefusal } from '../../src/token/times.ts'

const NOW = 1_800_000_000
const dates = (given: { exp?: number; nbf?: number; iat?: number }) => ({
  exp: given.exp ?? NOW + 60,
  nbf: given.nbf,
  iat: given.iat,
})
const limits = (clockToleranceSeconds: number, maxTokenAgeSeconds?: number) => ({
  clockToleranceSeconds,
  maxTokenAgeSeconds,
})
const reason = (given: { exp?: number; nbf?: number; iat?: number }, now = NOW) =>
  timeRefusal(dates(given), limits(30), now)?.reason ?? 'none'

test('AT-8: a token is expired at exp plus tolerance, not before', () => {
  const cases: readonly (readonly [number, string])[] = [
    [NOW, 'none'],
    [NOW - 29, 'none'],
    [NOW - 29.5, 'none'],
    [NOW - 30, 'token_expired'],
    [NOW - 31, 'token_expired'],
    [0, 'token_expired'],
  ]
  for (const [exp, expected] of cases) assert.equal(reason({ exp }), expected, String(exp - NOW))
})

test('AT-8: a fraction of exp counts, and so does one of the clock', () => {
  assert.equal(reason({ exp: NOW + 0.5 }, NOW + 30.4), 'none')
  assert.equal(reason({ exp: NOW + 0.5 }, NOW + 30.5), 'token_expired')
  assert.equal(timeRefusal(dates({ exp: NOW }), limits(0), NOW)?.reason, 'token_expired')
})

test('AT-9, AT-11: nbf and iat may be ahead by the tolerance and no more', () => {
  for (const claim of ['nbf', 'iat'] as const) {
    assert.equal(reason({ [claim]: NOW + 30 }), 'none')
    assert.equal(reason({ [claim]: NOW - 5000 }), 'none')
    assert.deepEqual(timeRefusal(dates({ [claim]: NOW + 31 }), limits(30), NOW), {
      reason: 'token_not_yet_valid',
      claim,
      validFrom: NOW + 31,
      now: NOW,
    })
  }
})

test('what is refused for two reasons is expired first', () => {
  assert.deepEqual(timeRefusal(dates({ exp: NOW - 99, nbf: NOW + 99 }), limits(30), NOW), {
    reason: 'token_expired',
    expiredAt: NOW - 99,
    now: NOW,
  })
})

test('AT-11: a token is too old at iat plus the longest age plus tolerance, not before, however far away exp is', () => {
  const tenYears = { exp: NOW + 315_360_000, iat: NOW }
  const at = (now: number) => timeRefusal(dates(tenYears), limits(30, 600), now)
  assert.equal(at(NOW + 629.9), undefined)
  assert.deepEqual(at(NOW + 630), { reason: 'token_too_old', issuedAt: NOW, maxAgeSeconds: 600, now: NOW + 630 })
  assert.equal(timeRefusal(dates(tenYears), limits(30), NOW + 630), undefined)
})

test('AT-11: where an age is asked for, a token that does not say when it was issued misses iat, expired or not', () => {
  for (const exp of [NOW + 60, NOW - 60]) {
    assert.deepEqual(timeRefusal(dates({ exp }), limits(30, 600), NOW), { reason: 'claim_missing', claim: 'iat' })
  }
})

test('AT-11: what is expired or not valid yet is called so before it is too old', () => {
  assert.equal(timeRefusal(dates({ exp: NOW - 99, iat: 0 }), limits(30, 1), NOW)?.reason, 'token_expired')
  assert.equal(timeRefusal(dates({ nbf: NOW + 99, iat: 0 }), limits(30, 1), NOW)?.reason, 'token_not_yet_valid')
})

test('the lifetime kept with a cached token is exactly the time in which it is not refused', () => {
  const instant = fc.integer({ min: 0, max: 1000 })
  const maybe = fc.option(instant, { nil: undefined })
  fc.assert(
    fc.property(instant, maybe, maybe, instant, fc.nat(300), maybe, (exp, nbf, iat, now, tolerance, age) => {
      // Without iat no token passes where an age is asked for, and none is kept.
      fc.pre(age === undefined || iat !== undefined)
      const { validFrom, endsAt } = lifetimeOf({ exp, nbf, iat }, limits(tolerance, age))
      const counts = validFrom <= now && now < endsAt
      assert.equal(counts, timeRefusal({ exp, nbf, iat }, limits(tolerance, age), now) === undefined)
    }),
    { numRuns: 1000 },
  )
})
