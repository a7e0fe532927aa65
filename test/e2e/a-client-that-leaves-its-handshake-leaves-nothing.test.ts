import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { handshakeLines } from '../support/websocket.ts'

test('HS-27, WS-7: a client that leaves while the upstream is asked ends the asking', async (t) => {
  let open = 0
  const stage = await startSpied(t, {
    answer: (_, socket) => {
      open++
      socket.on('close', () => open--)
      return undefined
    },
  })
  const head = requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` }))
  for (const leave of ['end', 'reset', 'reset behind octets ahead'] as const) {
    const client = await converse(t, stage.port)
    client.say(head)
    await eventually('the upstream is asked', () => open === 1)
    if (leave === 'reset behind octets ahead') client.say('ahead')
    if (leave === 'end') client.socket.end()
    else client.socket.resetAndDestroy()
    const began = performance.now()
    await eventually(`${leave}: the upstream is told`, () => open === 0)
    assert.ok(performance.now() - began < 1000)
    await eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
  }
  const records = (await stage.log()).filter(({ msg }) => msg === 'request')
  assert.equal(records.length, 3)
  // The connections are free again.
  assert.equal(
    (await sendRaw(stage.port, requestBytes(['GET /x HTTP/1.1', 'Host: a', 'Connection: close']))).status,
    404,
  )
})

test('HS-27: a client that leaves while its handshake waits for a connection leaves the queue', async (t) => {
  const stage = await startSpied(t, {
    answer: () => undefined,
    entry: { pool: { connections: 1, queue: 1 }, timeouts: { response: '60s' } },
  })
  const head = requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` }))
  const first = await converse(t, stage.port)
  first.say(head)
  await eventually('the first is sent', () => stage.spy.requests.length === 1)
  const second = await converse(t, stage.port)
  second.say(head)
  await eventually('the second waits', async () => /^audgate_open_requests 2$/m.test(await stage.metrics()))
  const third = await sendRaw(stage.port, head, { quietMs: 4000 })
  assert.equal(third.status, 503)
  second.socket.resetAndDestroy()
  await eventually('it has left', async () => /^audgate_open_requests 1$/m.test(await stage.metrics()))
  const fourth = await converse(t, stage.port)
  fourth.say(head)
  await eventually('there is room', async () => /^audgate_open_requests 2$/m.test(await stage.metrics()))
  assert.equal(stage.spy.requests.length, 1)
})
