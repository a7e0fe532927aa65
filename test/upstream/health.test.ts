import assert from 'node:assert/strict'
import { test } from 'node:test'
import { watchHealth } from '../../src/upstream/health.ts'
import { createManualClock } from '../support/manual-clock.ts'

const start = (random = 0, first = 0) => {
  const clock = createManualClock()
  const changes: string[] = []
  const timeouts: number[] = []
  let answer: ((found: string | undefined) => void) | undefined
  const health = watchHealth(
    { path: '/health', intervalMs: 5000, timeoutMs: 2000, healthy: 2, unhealthy: 3 },
    (timeoutMs) => {
      timeouts.push(timeoutMs)
      return new Promise((resolve) => {
        answer = resolve
      })
    },
    { changed: (healthy, detail) => changes.push(`${healthy} ${detail}`) },
    clock,
    () => random,
  )
  clock.advance(first)
  /** The answer to the check that is under way; then the time until the next. */
  const found = async (text: string | undefined): Promise<void> => {
    answer?.(text)
    await new Promise(setImmediate)
    clock.advance(5000)
  }
  const series = async (...texts: (string | undefined)[]): Promise<void> => {
    for (const text of texts) await found(text)
  }
  return { clock, changes, timeouts, health, answer: (text: string) => answer?.(text), series }
}

test('a replica is healthy from the start, and asked within a second', () => {
  const { clock, health, timeouts, changes } = start(0.75)
  assert.deepEqual(clock.waiting(), [750])
  assert.equal(health.healthy(), true)
  clock.advance(750)
  assert.deepEqual(timeouts, [2000])
  assert.deepEqual(changes, [])
})

test('a replica that is asked more often than every second is first asked within its interval', () => {
  const clock = createManualClock()
  const check = { path: '/health', intervalMs: 200, timeoutMs: 2000, healthy: 1, unhealthy: 1 }
  watchHealth(
    check,
    async () => 'good',
    { changed: () => undefined },
    clock,
    () => 0.5,
  )
  assert.deepEqual(clock.waiting(), [100])
})

test('a check that could not be made counts neither way', async () => {
  const { health, changes, series, timeouts } = start()
  await series(undefined, undefined, undefined, 'bad', undefined, 'bad')
  assert.equal(health.healthy(), true)
  await series('bad')
  assert.equal(health.healthy(), false)
  await series('good', undefined)
  assert.equal(health.healthy(), false)
  await series('good')
  assert.deepEqual(changes, ['false bad', 'true good'])
  assert.equal(timeouts.length, 11)
})

test('the interval runs from the answer, not from the question', async () => {
  const { clock, timeouts, answer } = start()
  clock.advance(60_000)
  assert.equal(timeouts.length, 1)
  answer('good')
  await new Promise(setImmediate)
  clock.advance(4999)
  assert.equal(timeouts.length, 1)
  clock.advance(1)
  assert.equal(timeouts.length, 2)
})

test('up to a tenth of the interval is left out at random', async () => {
  const { clock, answer } = start(0.5, 500)
  answer('good')
  await new Promise(setImmediate)
  assert.deepEqual(clock.waiting(), [4750])
})

test('so many failures in a row take it out, so many good answers bring it back', async () => {
  const { health, changes, series } = start()
  await series('status 503', 'no answer')
  assert.equal(health.healthy(), true)
  await series('status 500')
  assert.equal(health.healthy(), false)
  await series('good')
  assert.equal(health.healthy(), false)
  await series('good')
  assert.equal(health.healthy(), true)
  await series('status 503', 'status 503', 'status 503')
  assert.deepEqual(changes, ['false status 500', 'true good', 'false status 503'])
})

test('one answer of the other kind, and the count begins anew', async () => {
  const { health, changes, series } = start()
  await series('bad', 'bad', 'good', 'bad', 'bad')
  assert.equal(health.healthy(), true)
  await series('bad', 'good', 'bad', 'good')
  assert.equal(health.healthy(), false)
  await series('good', 'good')
  assert.deepEqual(changes, ['false bad', 'true good'])
})

test('closed before the first check nobody is asked', () => {
  const { clock, timeouts, health } = start(0.5)
  health.close()
  assert.deepEqual(clock.waiting(), [])
  clock.advance(5000)
  assert.deepEqual(timeouts, [])
})

test('once closed nobody is asked any more', async () => {
  const { clock, timeouts, health, answer } = start()
  answer('good')
  await new Promise(setImmediate)
  health.close()
  assert.deepEqual(clock.waiting(), [])
  assert.equal(timeouts.length, 1)
})

test('closed while an answer is awaited, nothing is made of it', async () => {
  const { clock, changes, timeouts, health, answer, series } = start()
  await series('bad', 'bad')
  health.close()
  answer('bad')
  await new Promise(setImmediate)
  assert.deepEqual(changes, [])
  assert.equal(health.healthy(), true)
  assert.deepEqual(clock.waiting(), [])
  assert.equal(timeouts.length, 3)
})

test('closed by whoever hears of the change, it asks no more', async () => {
  const clock = createManualClock()
  const health = watchHealth(
    { path: '/health', intervalMs: 5000, timeoutMs: 2000, healthy: 1, unhealthy: 1 },
    async () => 'bad',
    { changed: () => health.close() },
    clock,
    () => 0,
  )
  clock.advance(0)
  await new Promise(setImmediate)
  assert.equal(health.healthy(), false)
  assert.deepEqual(clock.waiting(), [])
})
