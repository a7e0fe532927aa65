import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { loggedRequests } from '../support/logged.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startReplicated } from '../support/replicas.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { handshakeLines } from '../support/websocket.ts'

/**
 * How long the other side takes to notice. On a machine with nothing else to do it is a few milliseconds, and what is
 * asked for is 100; here there is room for tests that run beside these.
 */
const atOnceMs = 500

/** A gateway before an upstream of which the test holds the end. */
const start = async (t: Parameters<typeof startRawUpstream>[0]) => {
  let behind: Socket | undefined
  let seen = ''
  let over = false
  const upstream = await startRawUpstream(t, (socket) => {
    behind = socket
    over = false
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1')
    })
    socket.on('close', () => {
      over = true
    })
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
  const client = await converse(t, stage.port)
  const head = (method: string, ...lines: string[]): Buffer =>
    requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: a', `Authorization: Bearer ${stage.token()}`, ...lines])
  return { stage, client, head, seen: () => seen, over: () => over, behind: () => behind as Socket }
}

test('HS-27: a client that leaves while it waits ends the upstream request', async (t) => {
  const { stage, client, head, seen, over } = await start(t)
  client.say(head('GET'))
  await eventually('the request is there', () => seen().endsWith('\r\n\r\n'))
  client.socket.destroy()
  await eventually('the upstream request ends', over)
  assert.equal((await loggedRequests(stage)).length, 1)
})

test('HS-27: a client that leaves in the middle of the answer ends the upstream request', async (t) => {
  const { stage, client, head, seen, over, behind } = await start(t)
  client.say(head('GET'))
  await eventually('the request is there', () => seen().endsWith('\r\n\r\n'))
  behind().write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
  await client.hear('the first piece', (text) => text.includes('one'))
  client.socket.resetAndDestroy()
  await eventually('the upstream request ends', over)
  assert.equal((await loggedRequests(stage)).length, 1)
})

test('HS-27, H1-16: content that breaks off is never completed upstream', async (t) => {
  for (const [lines, content] of [
    [['Content-Length: 10'], 'hello'],
    [['Transfer-Encoding: chunked'], '5\r\nhello\r\n'],
    [['Transfer-Encoding: chunked'], '5\r\nhello\r\n0\r\n'],
  ] as const) {
    for (const leave of ['end', 'reset'] as const) {
      const { client, head, seen, over } = await start(t)
      client.say(Buffer.concat([head('POST', ...lines), Buffer.from(content)]))
      await eventually('the content is there', () => seen().includes('hello'))
      if (leave === 'end') client.socket.end()
      else client.socket.resetAndDestroy()
      await eventually('the upstream request ends', over)
      assert.ok(!seen().endsWith('0\r\n\r\n'), `${lines}`)
    }
  }
})

test('HS-27, H1-16: a bad chunk behind good ones breaks the upstream request, and what follows is no request', async (t) => {
  const { client, head, seen, over } = await start(t)
  client.say(Buffer.concat([head('POST', 'Transfer-Encoding: chunked'), Buffer.from('5\r\nhello\r\n')]))
  await eventually('the first chunk is there', () => seen().includes('hello'))
  client.say(Buffer.concat([Buffer.from('0x0\r\n\r\n'), head('GET')]))
  await eventually('the upstream request ends', over)
  const text = await client.end()
  assert.match(text, /^HTTP\/1\.1 400 /)
  assert.match(text, /"reason":"request_malformed"/)
  assert.ok(!seen().endsWith('0\r\n\r\n') && !seen().includes('GET'))
})

test('HS-27, H1-21: an upstream that leaves in the middle of the answer ends the client’s connection', async (t) => {
  const { stage, client, head, seen, behind } = await start(t)
  client.say(head('GET'))
  await eventually('the request is there', () => seen().endsWith('\r\n\r\n'))
  behind().write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
  await client.hear('the first piece', (text) => text.includes('one'))
  behind().resetAndDestroy()
  const text = await client.end()
  assert.ok(!text.endsWith('0\r\n\r\n'))
  const [line] = await loggedRequests(stage)
  assert.equal(line?.status, 200)
})

test('the gateway forgets nothing of an aborted exchange: no request stays open', async (t) => {
  const { stage, client, head, seen, over } = await start(t)
  client.say(head('GET'))
  await eventually('the request is there', () => seen().endsWith('\r\n\r\n'))
  client.socket.destroy()
  await eventually('the upstream request ends', over)
  await eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
})

test('HS-27: whoever leaves, in whatever way and at whatever time, the other side knows it at once', async (t) => {
  const took: string[] = []
  for (const how of ['end', 'reset'] as const) {
    for (const when of ['before the head', 'while content comes', 'while content goes'] as const) {
      for (const who of ['client', 'upstream'] as const) {
        const { stage, client, head, seen, over, behind } = await start(t)
        const content = when === 'while content comes'
        client.say(content ? Buffer.concat([head('POST', 'Content-Length: 10'), Buffer.from('hello')]) : head('GET'))
        await eventually('the request is there', () => seen().endsWith(content ? 'hello' : '\r\n\r\n'))
        if (when === 'while content goes') {
          behind().write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
          await client.hear('the first piece', (text) => text.includes('one'))
        }
        const leaving = who === 'client' ? client.socket : behind()
        const began = performance.now()
        const noticed = new Promise<void>((resolve) => {
          if (who === 'client') behind().once('close', () => resolve())
          else client.socket.once('data', () => resolve()).once('close', () => resolve())
        })
        if (how === 'reset') leaving.resetAndDestroy()
        else leaving.destroy()
        await noticed
        const ms = performance.now() - began
        took.push(`${who}, ${how}, ${when}: ${ms.toFixed(1)} ms`)
        assert.ok(ms < atOnceMs, took.at(-1))
        if (who === 'client') assert.ok(over())
        await eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
      }
    }
  }
  t.diagnostic(took.join('; '))
})

/** A gateway with a single connection to an upstream that never shakes hands. */
const startMute = async (t: Parameters<typeof startRawUpstream>[0], queue = 0) => {
  let open = 0
  const upstream = await startRawUpstream(t, (socket) => {
    open++
    socket.resume()
    socket.on('close', () => open--)
  })
  const stage = await startReplicated(t, [upstream.url.replace('http:', 'https:')], {
    pool: { connections: 1, queue },
    timeouts: { connect: '1m' },
  })
  const idle = (): Promise<void> =>
    eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
  return { stage, idle, open: () => open, made: upstream.connections }
}

test('HS-27: a client that leaves while the upstream is being connected to takes no connection from others', async (t) => {
  const { stage, idle, open } = await startMute(t)
  const took: string[] = []
  for (const [what, head] of [
    ['a request', requestBytes(['GET /x HTTP/1.1', 'Host: a'])],
    ['content', requestBytes(['POST /x HTTP/1.1', 'Host: a', 'Content-Length: 9'], 'some')],
    ['a handshake', requestBytes(handshakeLines('/x'))],
  ] as const) {
    for (const how of ['destroy', 'resetAndDestroy'] as const) {
      const client = await converse(t, stage.port)
      client.say(head)
      await eventually(`${what}: it is connected to`, () => open() === 1)
      const began = performance.now()
      client.socket[how]()
      await eventually(`${what}: the connection ends`, () => open() === 0)
      const ms = performance.now() - began
      took.push(`${what}, ${how}: ${ms.toFixed(1)} ms`)
      assert.ok(ms < atOnceMs, took.at(-1))
      await idle()
    }
  }
  t.diagnostic(took.join('; '))
  assert.equal((await loggedRequests(stage)).length, 6)
  assert.doesNotMatch(await stage.metrics(), /^audgate_upstream_errors_total\{/m)
})

test('HS-27: a request that is refused while the upstream is being connected to takes no connection from others', async (t) => {
  const { stage, open } = await startMute(t)
  for (const what of ['one', 'another']) {
    const client = await converse(t, stage.port)
    client.say(requestBytes(['POST /x HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked']))
    await eventually(`${what} is connected`, () => open() === 1)
    client.say('no chunk\r\n')
    assert.match(await client.end(), /^HTTP\/1\.1 400 /)
    await eventually('the connection ends', () => open() === 0)
  }
})

test('HS-27: who had to wait before the upstream was connected to for him leaves in the same way', async (t) => {
  const { stage, open, idle, made } = await startMute(t, 1)
  const clients = []
  for (const count of [1, 2]) {
    const client = await converse(t, stage.port)
    client.say(requestBytes(['GET /x HTTP/1.1', 'Host: a']))
    await eventually('it is there', async () =>
      new RegExp(`^audgate_open_requests ${count}$`, 'm').test(await stage.metrics()),
    )
    clients.push(client)
  }
  for (const [index, client] of clients.entries()) {
    await eventually('it is its turn', () => made() === index + 1 && open() === 1)
    client.socket.destroy()
  }
  await eventually('the connection ends', () => open() === 0)
  await idle()
})
