import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createEjection } from '../../src/upstream/ejection.ts'

const create = (replicas: number, failures = 3) => {
  const time = { now: 5000, reads: 0 }
  const ejection = createEjection({ failures, durationMs: 1000 }, replicas, () => {
    time.reads++
    return time.now
  })
  const fail = (replica: number, times = 1) =>
    Array.from({ length: times }, () => ejection.outcome(replica, 'failed')).findIndex((ms) => ms !== undefined)
  const outs = (): readonly number[] =>
    Array.from({ length: replicas }, (_, replica) => replica).filter((replica) => ejection.isOut(replica))
  return { time, ejection, fail, outs }
}

test('so many failures in a row put a replica out for the duration, and no other', () => {
  const { time, fail, outs } = create(3)
  assert.equal(fail(1, 2), -1)
  assert.deepEqual(outs(), [])
  assert.equal(fail(1), 0)
  assert.deepEqual(outs(), [1])
  time.now += 999
  assert.deepEqual(outs(), [1])
  time.now += 1
  assert.deepEqual(outs(), [])
})

test('an answer in between, and the count begins anew; a client that left says nothing', () => {
  const { ejection, fail, outs } = create(2)
  fail(0, 2)
  assert.equal(ejection.outcome(0, 'abandoned'), undefined)
  assert.equal(fail(0), 0)
  fail(1, 2)
  assert.equal(ejection.outcome(1, 'answered'), undefined)
  assert.equal(fail(1, 2), -1)
  assert.deepEqual(outs(), [0])
})

test('each replica has a count of its own', () => {
  const { ejection, fail, outs } = create(3)
  fail(0, 2)
  fail(1, 2)
  ejection.outcome(0, 'answered')
  assert.equal(fail(1), 0)
  assert.equal(fail(2, 2), -1)
  assert.deepEqual(outs(), [1])
})

test('in again, one failure is enough, each time for twice as long, up to ten times the duration', () => {
  const { time, ejection, outs } = create(2)
  let told = [1, 2, 3].map(() => ejection.outcome(0, 'failed')).at(-1)
  const lengths = Array.from({ length: 7 }, () => {
    let length = 0
    while (outs().includes(0)) {
      time.now += 500
      length += 500
    }
    assert.equal(told, length)
    told = ejection.outcome(0, 'failed')
    return length
  })
  assert.deepEqual(lengths, [1000, 2000, 4000, 8000, 10_000, 10_000, 10_000])
})

test('in again and answering, everything is forgiven', () => {
  const { time, ejection, fail, outs } = create(2)
  fail(0, 3)
  time.now += 1000
  fail(0)
  time.now += 2000
  ejection.outcome(0, 'answered')
  assert.equal(fail(0, 2), -1)
  assert.equal(fail(0), 0)
  time.now += 1000
  assert.deepEqual(outs(), [])
})

test('what was in flight when it was put out neither prolongs the time nor ends it', () => {
  const { time, ejection, fail, outs } = create(2)
  fail(0, 3)
  time.now += 600
  assert.equal(fail(0, 50), -1)
  ejection.outcome(0, 'answered')
  assert.deepEqual(outs(), [0])
  time.now += 400
  assert.deepEqual(outs(), [])
})

test('the last one stays in, whatever it does, until another is back', () => {
  const { time, fail, outs } = create(3)
  fail(0, 3)
  fail(2, 3)
  time.now += 500
  assert.equal(fail(1, 100), -1)
  assert.deepEqual(outs(), [0, 2])
  time.now += 500
  assert.equal(fail(1), 0)
  assert.deepEqual(outs(), [1])
  assert.equal(fail(0), 0)
  assert.equal(fail(2), -1)
  assert.deepEqual(outs(), [0, 1])
})

test('a replica that is alone is never out', () => {
  const { fail, outs } = create(1)
  assert.equal(fail(0, 1000), -1)
  assert.deepEqual(outs(), [])
})

test('while all is well no clock is read, nor when all is well again', () => {
  const { time, ejection, fail, outs } = create(4)
  const reads = (): number => {
    const before = time.reads
    for (let request = 0; request < 100; request++) {
      ejection.outcome(request % 4, 'answered')
      assert.deepEqual(outs(), [])
    }
    return time.reads - before
  }
  assert.equal(reads(), 0)
  fail(2, 3)
  time.now += 1000
  ejection.outcome(2, 'answered')
  assert.equal(reads(), 0)
})
