import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { loggedRequests } from '../support/logged.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startRawUpstream } from '../support/upstream.ts'

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
