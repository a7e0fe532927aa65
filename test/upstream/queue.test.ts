import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createQueue } from '../../src/upstream/queue.ts'
import { createManualClock } from '../support/manual-clock.ts'

const start = (atMost: number) => {
  const clock = createManualClock()
  const overdue: string[] = []
  const queue = createQueue<string>(atMost, (one) => overdue.push(one), clock.after)
  const join = (one: string): boolean => queue.join(one, 100)
  return { clock, overdue, queue, join, waiting: () => [...queue.all()].join('') }
}

test('the order is that of arrival, and no more than `atMost` wait', () => {
  const { queue, join, waiting } = start(2)
  assert.deepEqual(['a', 'b', 'c'].map(join), [true, true, false])
  assert.equal(waiting(), 'ab')
  assert.deepEqual(['a', 'a'].map(queue.leave), [true, false])
  assert.equal(join('d'), true)
  assert.equal(waiting(), 'bd')
  assert.equal(queue.size(), 2)
})

test('a queue for nobody is full from the start', () => {
  const { join, clock } = start(0)
  assert.equal(join('a'), false)
  assert.deepEqual(clock.waiting(), [])
})

test('who has waited long enough is overdue, once; who has left is not, and leaves no timer behind', () => {
  const { queue, join, clock, overdue, waiting } = start(9)
  join('a')
  clock.advance(50)
  join('b')
  join('c')
  queue.leave('b')
  assert.deepEqual(clock.waiting(), [50, 100])
  clock.advance(50)
  assert.deepEqual(overdue, ['a'])
  assert.equal(waiting(), 'c')
  assert.equal(queue.leave('a'), false)
  queue.join('d', 10)
  assert.deepEqual(clock.waiting(), [10, 50])
  clock.advance(50)
  assert.deepEqual(overdue, ['a', 'd', 'c'])
  assert.deepEqual(clock.waiting(), [])
})

test('who is met while all are gone through may leave, and nobody is left out for that', () => {
  const { queue, join, waiting } = start(9)
  for (const one of 'abcd') join(one)
  let met = ''
  for (const one of queue.all()) {
    met += one
    if (one !== 'c') queue.leave(one)
  }
  assert.equal(met, 'abcd')
  assert.equal(waiting(), 'c')
})

test('cleared, everyone is overdue, and no timer is left', () => {
  const { queue, join, clock, overdue } = start(9)
  for (const one of 'abc') join(one)
  queue.clear()
  assert.deepEqual(overdue, ['a', 'b', 'c'])
  assert.equal(queue.size(), 0)
  assert.deepEqual(clock.waiting(), [])
})
