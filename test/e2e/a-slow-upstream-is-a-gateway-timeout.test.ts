import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startBlockedListener } from '../support/blocked-listener.ts'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { loggedRequests } from '../support/logged.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startRawUpstream } from '../support/upstream.ts'

const timeouts = { connect: '150ms', response: '150ms', idle: '150ms' }

const ask = (stage: Awaited<ReturnType<typeof startOrders>>, method = 'GET', content = '') =>
  sendRaw(
    stage.port,
    requestBytes(
      [
        `${method} /orders/1 HTTP/1.1`,
        'Host: a',
        `Authorization: Bearer ${stage.token()}`,
        'Connection: close',
        ...(content === '' ? [] : [`Content-Length: ${content.length}`]),
      ],
      content,
    ),
    { quietMs: 8000 },
  )

test('ER-1: no connection in time is 504', async (t) => {
  const port = await startBlockedListener(t)
  const stage = await startOrders(
    t,
    { timeouts },
    { upstream: { port, url: `http://127.0.0.1:${port}`, seen: [], connections: () => 0 } },
  )
  const { status, text } = await ask(stage)
  assert.equal(status, 504)
  assert.match(text, /"reason":"upstream_timeout"/)
  assert.match(String((await loggedRequests(stage)).at(-1)?.detail), /connect/)
})

test('ER-1: no answer in time is 504, and the upstream request is ended', async (t) => {
  let closed = 0
  const upstream = await startRawUpstream(t, (socket, connection) => {
    socket.on('close', () => closed++)
    socket.on('data', () => {
      // Nothing at all; a head that never ends; interim answers only.
      if (connection === 1) socket.write('HTTP/1.1 200 OK\r\nX-A: ')
      if (connection === 2) socket.write('HTTP/1.1 102 Processing\r\n\r\n')
    })
  })
  const stage = await startOrders(t, { timeouts }, { upstream: { ...upstream, seen: [] } })
  const waits = ([['GET'], ['GET'], ['GET'], ['POST', 'hello']] as const).map(([method, content]) =>
    ask(stage, method, content),
  )
  for (const { status, text } of await Promise.all(waits)) {
    assert.equal(status, 504, text)
    assert.match(text, /"reason":"upstream_timeout"/)
    assert.doesNotMatch(text, /X-A/)
  }
  await eventually('every upstream request is ended', () => closed === 4)
})

test('H1-21: an answer that stops in the middle is broken off, never ended', async (t) => {
  const upstream = await startRawUpstream(t, (socket) =>
    socket.on('data', () => socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')),
  )
  const stage = await startOrders(t, { timeouts }, { upstream: { ...upstream, seen: [] } })
  const { text, closed } = await ask(stage)
  assert.ok(closed)
  assert.match(text, /one\r\n$/)
})

test('a slow client is not a slow upstream: time does not run while the client is waited for', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    let seen = ''
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1')
      if (seen.endsWith('world')) socket.write('HTTP/1.1 204 No Content\r\n\r\n')
    })
  })
  const stage = await startOrders(
    t,
    { timeouts: { ...timeouts, response: '300ms' } },
    { upstream: { ...upstream, seen: [] } },
  )
  const client = await converse(t, stage.port)
  client.say(
    requestBytes(
      ['POST /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token()}`, 'Content-Length: 10'],
      'hello',
    ),
  )
  const until = performance.now() + 900
  await eventually('three response timeouts have passed', () => performance.now() > until || client.closed())
  client.say('world')
  const text = await client.hear('an answer', (all) => all.includes('\r\n\r\n'))
  assert.match(text, /^HTTP\/1\.1 204 /)
})
