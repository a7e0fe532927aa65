import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createUnknownKids } from '../../src/keys/unknown-kids.ts'

test('AS-8: a kid that was looked for in vain waits for the cooldown, then twice as long each time, at most the interval', () => {
  const kids = createUnknownKids(30, 100)
  let now = 1_000
  assert.equal(kids.mayAsk('a', now), true)
  for (const wait of [30, 60, 100, 100]) {
    kids.missed('a', now)
    assert.equal(kids.mayAsk('a', now + wait - 1), false)
    kids.missed('a', now + wait - 1)
    assert.equal(kids.mayAsk('b', now), true)
    now += wait
    assert.equal(kids.mayAsk('a', now), true)
  }
})

test('AS-8: a thousand kids are remembered, and a flood of random ones takes no more room', () => {
  const kids = createUnknownKids(30, 100)
  for (let n = 0; n < 1_001; n++) kids.missed(`kid-${n}`, 0)
  assert.equal(kids.mayAsk('kid-0', 1), true)
  assert.equal(kids.mayAsk('kid-1', 1), false)
  assert.equal(kids.mayAsk('kid-1000', 1), false)
})

test('JO-9: __proto__ and constructor are kids like any other', () => {
  const kids = createUnknownKids(30, 100)
  for (const kid of ['__proto__', 'constructor', 'toString']) {
    assert.equal(kids.mayAsk(kid, 0), true)
    kids.missed(kid, 0)
    assert.equal(kids.mayAsk(kid, 0), false)
  }
})
