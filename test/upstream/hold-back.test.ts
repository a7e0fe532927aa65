import assert from 'node:assert/strict'
import { EventEmitter } from 'node:events'
import { test } from 'node:test'
import { holdBack } from '../../src/upstream/hold-back.ts'
import { eventually } from '../support/eventually.ts'

test('attacks 2.6 row 3: who takes a little in every idle time keeps the answer, who takes nothing loses it', async (t) => {
  const socket = { bytesWritten: 0, writableLength: 0 }
  let destroyed = false
  const response = Object.assign(new EventEmitter(), {
    socket,
    destroy: () => {
      destroyed = true
      response.emit('close')
    },
  })
  let looks = 0
  // Whenever progress is looked at while the client reads, there is some.
  const reading = { on: true }
  Object.defineProperty(socket, 'bytesWritten', {
    get: () => {
      looks++
      return reading.on ? looks : 0
    },
  })
  const running = { pause: t.mock.fn(), resume: t.mock.fn() }
  // Only the members that holdBack declares it looks at; a kernel's buffers cannot be slowed down to order.
  holdBack(running as never, { socket, response } as never, 5)
  await eventually('several idle times', () => looks > 5)
  assert.equal(destroyed, false)
  reading.on = false
  await eventually('the answer is given up', () => destroyed)
  assert.equal(running.resume.mock.callCount(), 0)
})
