import assert from 'node:assert/strict'
import { once } from 'node:events'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { closed, handshakeLines, startWebSockets, startWebSocketUpstream, switchingHead } from '../support/websocket.ts'

/** A tunnel with raw sockets at both ends. */
const start = async (t: Parameters<typeof startSpied>[0]) => {
  let upstream: Socket | undefined
  const stage = await startSpied(t, {
    answer: (_, socket) => {
      upstream = socket
      return switchingHead()
    },
  })
  const client = await converse(t, stage.port)
  client.say(requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` })))
  await client.hear('the 101', (text) => text.endsWith('\r\n\r\n'))
  const record = async () => {
    const records = async () => (await stage.log()).filter(({ msg }) => msg === 'request')
    await eventually('the record is there', async () => (await records()).length > 0)
    const [one, ...more] = await records()
    assert.equal(more.length, 0)
    return one
  }
  return { stage, client, upstream: upstream ?? assert.fail('no upstream'), record }
}

test('WS-11: the client ends, or breaks off: the upstream gets what it said, and the end', async (t) => {
  for (const leave of ['end', 'destroySoon', 'reset'] as const) {
    const { stage, client, upstream, record } = await start(t)
    client.say('last words')
    await eventually('they are there', () => stage.spy.bytes().endsWith('last words'))
    let gone = false
    upstream.on('end', () => {
      gone = true
    })
    if (leave === 'end') client.socket.end()
    if (leave === 'destroySoon') client.socket.destroySoon()
    if (leave === 'reset') client.socket.resetAndDestroy()
    await eventually(`${leave}: the upstream learns of it`, () => gone)
    const { status, bytes_in } = (await record()) ?? {}
    assert.deepEqual([status, bytes_in], [101, 10])
    assert.match(await stage.metrics(), /^audgate_open_tunnels 0$/m)
  }
})

test('WS-11: the upstream ends, or breaks off: the client gets what it said, and the end', async (t) => {
  for (const leave of ['end', 'reset'] as const) {
    const { stage, client, upstream, record } = await start(t)
    upstream.write('last words')
    await client.hear('they are there', (text) => text.endsWith('last words'))
    if (leave === 'end') upstream.end()
    else upstream.resetAndDestroy()
    await client.end()
    assert.ok(!client.reset())
    const { status, bytes_out } = (await record()) ?? {}
    assert.deepEqual([status, bytes_out], [101, 10])
    assert.match(await stage.metrics(), /^audgate_open_tunnels 0$/m)
  }
})

test('WS-11: ten megabytes before the end arrive before it', async (t) => {
  const { client, upstream } = await start(t)
  const size = 10_000_000
  upstream.end(Buffer.alloc(size, 'x'))
  const text = await client.end()
  assert.equal(text.length - text.indexOf('\r\n\r\n') - 4, size)
})

test('a client that does not read slows the upstream down, and costs no memory; the tunnel beside it does not notice', async (t) => {
  let sent = 0
  const block = Buffer.alloc(65_536)
  const upstream = await startWebSocketUpstream(t, (socket, request) => {
    if (request.url !== '/flood') return socket.on('message', (data: Buffer) => socket.send(data))
    const more = (): void => {
      if (socket.readyState !== socket.OPEN || sent >= 2048) return
      sent++
      socket.send(block, more)
    }
    return more()
  })
  const stage = await startWebSockets(t, {}, { upstream })
  const token = stage.token()
  const before = process.memoryUsage().rss
  const slow = await converse(t, stage.port)
  slow.socket.pause()
  slow.say(requestBytes(handshakeLines('/orders/flood', { Authorization: `Bearer ${token}` })))
  let last = -1
  await eventually(
    'the upstream is held up',
    async () => {
      await new Promise((resolve) => setTimeout(resolve, 200))
      const stuck = sent > 0 && last === sent
      last = sent
      return stuck
    },
    20_000,
  )
  assert.ok(sent < 1024, `${sent} blocks of 64 KiB were taken`)
  const good = await stage.client()
  good.send('still here')
  assert.equal(String((await once(good, 'message'))[0]), 'still here')
  assert.ok(process.memoryUsage().rss - before < 64 * 1024 * 1024)
  slow.socket.destroy()
  good.close()
  await closed(good)
  await eventually('nothing is left', () => upstream.open.size === 0)
})
