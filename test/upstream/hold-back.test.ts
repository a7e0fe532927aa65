import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { type TestContext, test } from 'node:test'
import { createPatience } from '../../src/upstream/hold-back.ts'
import { eventually } from '../support/eventually.ts'

/** Only the members that are looked at: a kernel's buffers cannot be slowed down to order. */
const start = (t: TestContext, idleMs: number) => {
  const client = { reads: true, destroyed: false, looks: 0, taken: 0 }
  const socket = { bytesWritten: 0, writableLength: 0 }
  // Whenever progress is looked at while the client reads, there is some.
  Object.defineProperty(socket, 'bytesWritten', {
    get: () => {
      client.looks++
      if (client.reads) client.taken++
      return client.taken
    },
  })
  const response = Object.assign(new EventEmitter(), {
    socket: socket as unknown,
    destroy: () => {
      client.destroyed = true
      response.emit('close')
    },
  })
  t.after(() => response.emit('close'))
  const running = { pause: t.mock.fn(), resume: t.mock.fn() }
  const patience = createPatience({ socket, response } as never, idleMs)
  return { client, response, running, patience, hold: () => patience.holdBack(running as never) }
}

test('attacks 2.6 row 3: who takes a little in every idle time keeps the answer, who takes nothing loses it', async (t) => {
  const { client, running, hold } = start(t, 5)
  hold()
  await eventually('several idle times', () => client.looks > 5)
  assert.equal(client.destroyed, false)
  client.reads = false
  await eventually('the answer is given up', () => client.destroyed)
  assert.equal(running.resume.mock.callCount(), 0)
})

test('what is held back goes on once with every drain, and nobody is cut while nothing is held', async (t) => {
  const { client, response, running, hold } = start(t, 5)
  client.reads = false
  for (let round = 1; round <= 3; round++) {
    hold()
    assert.equal(running.pause.mock.callCount(), round)
    response.emit('drain')
    response.emit('drain')
    assert.equal(running.resume.mock.callCount(), round)
  }
  const since = performance.now()
  await eventually('many idle times', () => performance.now() - since > 60)
  assert.equal(client.destroyed, false)
})

test('attacks 2.6 row 3: an upstream that has said everything does not end the patience', async (t) => {
  const { client, response, patience } = start(t, 5)
  client.reads = false
  response.socket = null
  patience.watch()
  const since = performance.now()
  await eventually('many idle times', () => performance.now() - since > 60)
  assert.equal(client.destroyed, false, 'it waits behind another answer')
  response.socket = {}
  await eventually('the answer is given up', () => client.destroyed)
})
