import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGate, type Entered } from '../../../src/token/introspection/gate.ts'

const minute = 60_000

/** A gate with all its places taken. */
const fullGate = (longestWaitMs = minute) => {
  const gate = createGate(longestWaitMs)
  for (let count = 0; count < 64; count++) assert.equal(gate.enter(0), 'open')
  return gate
}

/** What came of those who wait, in the order in which it came. */
const watch = (entering: readonly (Entered | Promise<Entered>)[]) => {
  const seen: string[] = []
  for (const [index, one] of entering.entries()) void Promise.resolve(one).then((word) => seen.push(`${index} ${word}`))
  return async () => {
    await new Promise((resolve) => setImmediate(resolve))
    return seen
  }
}

test('IN-10: 64 calls at a time; who comes then waits, and enters in the order of coming', async (t) => {
  const gate = fullGate()
  t.after(() => gate.close())
  const seen = watch([gate.enter(0), gate.enter(0), gate.enter(0)])
  assert.deepEqual(await seen(), [])
  gate.left('answered', 0)
  assert.deepEqual(await seen(), ['0 open'])
  gate.left('answered', 0)
  gate.left('answered', 0)
  assert.deepEqual(await seen(), ['0 open', '1 open', '2 open'])
  assert.ok(gate.enter(0) instanceof Promise, 'their places are taken')
})

test('IN-10: 1,024 wait, and nobody longer than the given time', async () => {
  const gate = fullGate(20)
  const waiting = Array.from({ length: 1024 }, () => gate.enter(0))
  assert.equal(gate.enter(0), 'full')
  assert.deepEqual(new Set(await Promise.all(waiting)), new Set(['full']))
  const next = gate.enter(0)
  gate.left('answered', 0)
  assert.equal(await next, 'open', 'those who gave up are not in the way')
})

test('IN-9: five failures in a row shut it for a second; then one call tries at a time, and a good one opens it', () => {
  const gate = createGate(minute)
  const call = (good: boolean, now: number): Entered | Promise<Entered> => {
    const entered = gate.enter(now)
    if (entered === 'open') gate.left(good ? 'answered' : 'failed', now)
    return entered
  }
  for (let count = 0; count < 4; count++) assert.equal(call(false, 0), 'open')
  assert.equal(call(true, 0), 'open')
  for (let count = 0; count < 5; count++) assert.equal(call(false, 0), 'open')
  assert.deepEqual([call(true, 0), call(true, 999)], ['shut', 'shut'])
  assert.deepEqual([gate.enter(1000), gate.enter(1000)], ['open', 'shut'])
  gate.left('failed', 1500)
  assert.deepEqual([gate.enter(2499), gate.enter(2500)], ['shut', 'open'])
  gate.left('answered', 2500)
  assert.deepEqual([gate.enter(2500), gate.enter(2500)], ['open', 'open'])
})

test('IN-9: what says nothing of the issuer neither shuts it nor opens it, while others are answered', () => {
  const gate = createGate(minute)
  gate.enter(0)
  gate.left('answered', 0)
  for (let count = 0; count < 4; count++) {
    gate.enter(0)
    gate.left('failed', 0)
  }
  for (let count = 0; count < 10; count++) {
    assert.equal(gate.enter(0), 'open')
    gate.left('unknown', 0)
  }
  gate.enter(0)
  gate.left('failed', 0)
  assert.equal(gate.enter(500), 'shut')
  gate.enter(1000)
  gate.left('unknown', 1000)
  assert.equal(gate.enter(1000), 'open', 'the next one tries')
})

test('IN-9: an issuer that answers nobody is shut out, though everybody who asked it had waited', () => {
  const gate = createGate(200)
  gate.enter(0)
  gate.left('answered', 0)
  for (let count = 0; count < 10; count++) {
    assert.equal(gate.enter(400), 'open')
    gate.left('unknown', 400)
  }
  for (let count = 0; count < 5; count++) {
    assert.equal(gate.enter(401), 'open')
    gate.left('unknown', 401)
  }
  assert.equal(gate.enter(401), 'shut')
})

test('IN-9: when it shuts, or is closed, nobody waits any longer', async () => {
  const failing = fullGate()
  const seen = watch(Array.from({ length: 6 }, () => failing.enter(0)))
  for (let count = 0; count < 5; count++) failing.left('failed', 0)
  assert.deepEqual(await seen(), ['0 open', '1 open', '2 open', '3 open', '4 shut', '5 shut'])
  const closing = fullGate()
  const waiting = closing.enter(0)
  closing.close()
  assert.equal(await waiting, 'shut')
})
