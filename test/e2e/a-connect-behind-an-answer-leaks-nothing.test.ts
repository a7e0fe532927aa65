import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

const size = 20_000_000
const get = (path: string) => requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: a'])
const connect = requestBytes(['CONNECT a:80 HTTP/1.1', 'Host: a'])

/** `/big` is more than sockets and buffers hold; everything else is never answered. */
const start = async (t: Parameters<typeof startOrders>[0]) => {
  let open = 0
  const upstream: TestUpstream = await startUpstream(t, (request, response) => {
    open++
    response.once('close', () => open--)
    request.resume()
    if (request.url === '/big') response.end(Buffer.alloc(size))
  })
  const stage = await startOrders(
    t,
    { routes: { '/**': 'public' } },
    { upstream, listen: { timeouts: { drain: '1500ms' } } },
  )
  return { stage, open: () => open, client: await converse(t, stage.port) }
}

test('H1-28: an answer that is under way when a CONNECT comes still arrives whole, and nothing behind it', async (t) => {
  const { stage, client } = await start(t)
  client.say(Buffer.concat([get('big'), connect, get('big')]))
  const text = await client.end()
  const head = text.indexOf('\r\n\r\n') + 4
  assert.equal(text.length, head + size)
  assert.equal(stage.upstream.seen.length, 1)
})

test('H1-28, HS-27: a client that leaves after a CONNECT ends every exchange of its connection', async (t) => {
  for (const before of [['slow'], ['slow', 'slow'], ['slow', 'big'], ['big'], ['big', 'slow']]) {
    for (const leave of ['end', 'reset'] as const) {
      const name = `${before.join(' ')}, ${leave}`
      const { stage, open, client } = await start(t)
      client.socket.pause()
      client.say(Buffer.concat([...before.map(get), connect]))
      await eventually(`${name}: they are there`, () => open() === before.length)
      client.say('what belongs to no request')
      if (leave === 'end') client.socket.destroy()
      else client.socket.resetAndDestroy()
      await eventually(`${name}: the upstream requests end`, () => open() === 0)
      await eventually(`${name}: nothing is open`, async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
    }
  }
})

test('H1-28, OP-3: closing waits for no client that keeps its connection after a CONNECT', async (t) => {
  for (const before of [[], ['slow']]) {
    const { stage, open, client } = await start(t)
    client.say(Buffer.concat([...before.map(get), connect]))
    if (before.length === 0) await client.hear('501', (text) => text.startsWith('HTTP/1.1 501 '))
    else await eventually('the request is there', () => open() === 1)
    assert.equal(await stage.gateway.close(0), before.length)
    await client.end()
  }
})
