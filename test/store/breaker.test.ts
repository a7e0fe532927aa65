import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createBreaker } from '../../src/store/breaker.ts'

const create = () => {
  const time = { now: 5000 }
  const breaker = createBreaker(() => time.now)
  const fail = (times: number): void => {
    for (let time = 0; time < times; time++) {
      assert.ok(breaker.allows())
      breaker.unanswered()
    }
  }
  return { time, breaker, fail }
}

test('four calls in vain are borne, after the fifth nobody waits for a second', () => {
  const { time, breaker, fail } = create()
  fail(5)
  assert.equal(breaker.allows(), false)
  time.now += 999
  assert.equal(breaker.allows(), false)
  time.now += 1
  assert.equal(breaker.allows(), true)
})

test('one answer in between, and the count begins anew', () => {
  const { breaker, fail } = create()
  fail(4)
  breaker.answered()
  fail(4)
  assert.equal(breaker.allows(), true)
})

test('after the second one call at a time is tried, and its silence is worth another second', () => {
  const { time, breaker, fail } = create()
  fail(5)
  time.now += 1000
  assert.equal(breaker.allows(), true)
  assert.equal(breaker.allows(), false)
  time.now += 50
  breaker.unanswered()
  assert.equal(breaker.allows(), false)
  time.now += 999
  assert.equal(breaker.allows(), false)
  time.now += 1
  assert.equal(breaker.allows(), true)
  assert.equal(breaker.allows(), false)
  breaker.answered()
  for (let call = 0; call < 100; call++) assert.equal(breaker.allows(), true)
})

test('calls that were under way when it closed prolong nothing once one was answered', () => {
  const { time, breaker, fail } = create()
  for (let call = 0; call < 20; call++) assert.ok(breaker.allows())
  for (let call = 0; call < 20; call++) breaker.unanswered()
  assert.equal(breaker.allows(), false)
  time.now += 1000
  assert.equal(breaker.allows(), true)
  breaker.answered()
  fail(4)
  assert.equal(breaker.allows(), true)
})
