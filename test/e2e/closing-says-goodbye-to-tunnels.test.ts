import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { closed, echo, startWebSockets, startWebSocketUpstream } from '../support/websocket.ts'

test('OP-3, operations 4.2: tunnels go on while the gateway drains, and then end with 1001 at both ends', async (t) => {
  const codes: number[] = []
  const upstream = await startWebSocketUpstream(t, (socket) => {
    echo(socket)
    socket.on('close', (code) => codes.push(code))
  })
  const stage = await startWebSockets(t, {}, { upstream, listen: { timeouts: { drain: '1s' } } })
  const clients = await Promise.all(Array.from({ length: 20 }, () => stage.client()))
  const ends = Promise.all(clients.map(closed))
  const began = performance.now()
  const closing = stage.gateway.close(0)
  const [first] = clients
  first?.send('still here')
  if (first) assert.equal(String((await once(first, 'message'))[0]), 'still here')
  await closing
  assert.ok(performance.now() - began < 4000)
  assert.deepEqual(new Set((await ends).map(({ code }) => code)), new Set([1001]))
  assert.deepEqual(
    codes,
    clients.map(() => 1001),
  )
  const records = (await stage.log()).filter(({ msg }) => msg === 'request')
  assert.equal(records.length, 20)
})

test('OP-3: a gateway whose tunnels have ended closes at once', async (t) => {
  const stage = await startWebSockets(t)
  const client = await stage.client()
  client.close()
  await closed(client)
  const began = performance.now()
  assert.equal(await stage.gateway.close(0), 0)
  assert.ok(performance.now() - began < 2000)
})
