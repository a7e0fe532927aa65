import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createMemoryStore, MARKS_AT_MOST } from '../../src/store/memory.ts'
import { cpuCost } from '../support/cpu-cost.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { recordStoreEvents } from '../support/store-events.ts'

const create = ({ marksAtMost = 10, valueBytes = 10_000, start = 1_800_000_000_123 } = {}) => {
  const clock = createManualClock(start)
  const events = recordStoreEvents()
  return { clock, events, store: createMemoryStore({ clock, events, marksAtMost, valueBytes }) }
}

const noted = { ok: true, value: true }
const known = { ok: true, value: false }

test('DP-15: a mark is there until the last millisecond of its time, and not one longer', () => {
  for (const start of [1_800_000_000_000, 1_800_000_000_123, 1_800_000_000_999]) {
    const { clock, store } = create({ start })
    assert.deepEqual(store.putIfAbsent('a', 2500), noted)
    clock.advance(2499)
    assert.deepEqual(store.putIfAbsent('a', 2500), known)
    clock.advance(1)
    assert.deepEqual(store.putIfAbsent('a', 2500), noted)
  }
})

test('DP-15: no number of other marks pushes one out: a full store notes nothing, says so, and still knows what it has', async () => {
  const { clock, events, store } = create({ marksAtMost: 3 })
  for (const key of ['a', 'b', 'c']) assert.deepEqual(store.putIfAbsent(key, 60_000), noted)
  assert.match((await store.fault()) ?? '', /3 marks/)
  for (let other = 0; other < 100; other++) assert.deepEqual(store.putIfAbsent(`x${other}`, 60_000), { ok: false })
  for (const key of ['a', 'b', 'c']) assert.deepEqual(store.putIfAbsent(key, 60_000), known)
  assert.equal(events.operations.filter((line) => line === 'put_if_absent full').length, 100)
  assert.equal(events.operations.length, 106)
  // Values have their own room.
  assert.deepEqual(store.set('v', 'x', 60_000), { ok: true, value: undefined })
  clock.advance(61_000)
  assert.equal(await store.fault(), undefined)
  assert.deepEqual(store.putIfAbsent('x', 60_000), noted)
})

test('marks that are over make room, however long nobody asked and whatever their times were', () => {
  const { clock, store } = create({ marksAtMost: 4 })
  for (const [round, gap] of [60_000, 1000, 86_400_000, 3_000, 31_536_000_000].entries()) {
    for (const [at, ttl] of [1, 999, 30_000, 60_000].entries()) {
      assert.deepEqual(store.putIfAbsent(`${round} ${at}`, Math.min(ttl, gap - 1)), noted, `${round} ${at}`)
    }
    assert.deepEqual(store.putIfAbsent('more', 1), { ok: false })
    clock.advance(gap + 1000)
  }
})

test('after a century in which nobody asked, the first who does costs no more than others', async () => {
  const { clock, store } = create()
  const cost = await cpuCost(250, () => {
    clock.advance(3_153_600_000_000)
    assert.deepEqual(store.putIfAbsent('a', 1000), noted)
  })
  // Second by second it would be half a minute.
  assert.ok(cost < 250, `${cost} ms`)
})

test('one key that ends and comes again a thousand times within a second takes no more room than the bound', () => {
  const { clock, store } = create({ marksAtMost: 5, start: 1_800_000_000_000 })
  const answers = Array.from({ length: 20 }, () => {
    const answer = store.putIfAbsent('a', 1)
    clock.advance(1)
    return answer
  })
  assert.deepEqual(answers.slice(0, 5), Array(5).fill(noted))
  assert.deepEqual(answers.slice(5), Array(15).fill({ ok: false }))
  clock.advance(1000)
  assert.deepEqual(store.putIfAbsent('a', 1), noted)
})

test('a mark renewed after its end is not dropped with the second in which it first ended', () => {
  const { clock, store } = create({ start: 1_800_000_000_000 })
  assert.deepEqual(store.putIfAbsent('a', 100), noted)
  clock.advance(100)
  assert.deepEqual(store.putIfAbsent('a', 60_000), noted)
  clock.advance(5000)
  assert.deepEqual(store.putIfAbsent('a', 60_000), known)
})

test('a clock that is set back leaves no marks behind that nobody drops', () => {
  let now = 1_800_000_000_000
  const store = createMemoryStore({
    clock: { now: () => now },
    events: recordStoreEvents(),
    marksAtMost: 2,
    valueBytes: 1,
  })
  assert.deepEqual(store.putIfAbsent('a', 1000), noted)
  now -= 3_600_000
  assert.deepEqual(store.putIfAbsent('b', 1000), noted)
  now += 2000
  assert.deepEqual(store.putIfAbsent('c', 1000), noted)
})

test('DP-15: over any sequence of calls it agrees with a list that forgets nothing early', () => {
  const step = fc.record({ key: fc.nat(12), ttl: fc.integer({ min: 1, max: 5000 }), wait: fc.nat(3000) })
  fc.assert(
    fc.property(fc.array(step, { maxLength: 200 }), (steps) => {
      const { clock, store } = create({ marksAtMost: 1000 })
      const ends = new Map<number, number>()
      for (const { key, ttl, wait } of steps) {
        clock.advance(wait)
        const absent = (ends.get(key) ?? 0) <= clock.now()
        assert.deepEqual(store.putIfAbsent(`k${key}`, ttl), absent ? noted : known)
        if (absent) ends.set(key, clock.now() + ttl)
      }
    }),
    { numRuns: 200 },
  )
})

test('values are bounded in bytes: the least recently used go, and one that is larger than all room is not kept', () => {
  const { store } = create({ valueBytes: 3000 })
  store.set('a', 'x'.repeat(100), 60_000)
  store.set('b', 'x'.repeat(100), 60_000)
  store.get('a')
  for (const key of ['c', 'd', 'e', 'f']) store.set(key, 'x'.repeat(100), 60_000)
  assert.deepEqual(store.get('b'), { ok: true, value: undefined })
  assert.deepEqual(store.get('a'), { ok: true, value: 'x'.repeat(100) })
  assert.deepEqual(store.set('huge', 'x'.repeat(2000), 60_000), { ok: true, value: undefined })
  assert.deepEqual(store.get('huge'), { ok: true, value: undefined })
})

test('a value is there until the last millisecond of its time', () => {
  const { clock, store } = create()
  store.set('a', 'x', 1000)
  clock.advance(999)
  assert.deepEqual(store.get('a'), { ok: true, value: 'x' })
  clock.advance(1)
  assert.deepEqual(store.get('a'), { ok: true, value: undefined })
})

test('the bound of production is within 100 MiB, at 155 bytes a mark', () => {
  assert.ok(MARKS_AT_MOST * 155 < 100 * 1024 * 1024)
})
