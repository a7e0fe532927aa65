import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

test('H1-22, H1-23: it gets no transfer coding, its connection ends, and the upstream is spoken to in 1.1', async (t) => {
  const stage = await startSpied(t, {
    answer: () =>
      'HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n',
  })
  for (const connection of ['close', 'keep-alive', 'Keep-Alive, x']) {
    const { text, closed } = await sendRaw(
      stage.port,
      requestBytes(['GET /orders/1 HTTP/1.0', 'Host: a', stage.authorization, `Connection: ${connection}`]),
      { quietMs: 3000 },
    )
    assert.ok(closed, connection)
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.doesNotMatch(text, /transfer-encoding|keep-alive/i)
    assert.match(text, /\r\n\r\nhello world$/)
  }
  for (const { line, values } of stage.spy.requests) {
    assert.equal(line, 'GET /1 HTTP/1.1')
    assert.equal(values('host').length, 1)
  }
})

test('H1-23: what it pipelines behind keep-alive is not answered', async (t) => {
  const stage = await startSpied(t)
  const one = requestBytes(['GET /orders/1 HTTP/1.0', 'Host: a', stage.authorization, 'Connection: keep-alive'])
  const { text, closed } = await sendRaw(stage.port, Buffer.concat([one, one]), { quietMs: 3000 })
  assert.ok(closed)
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 1)
})

test('H1-1: it may leave out Host where a resource answers on any host', async (t) => {
  const stage = await startSpied(t)
  const { status } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.0', stage.authorization]))
  assert.equal(status, 200)
  const named = await startSpied(t, { entry: { at: 'https://gw.test/orders' } })
  assert.equal((await sendRaw(named.port, requestBytes(['GET /orders/1 HTTP/1.0', named.authorization]))).status, 421)
})

test('HS-11: its expectations are ignored', async (t) => {
  const stage = await startSpied(t)
  for (const expect of ['100-continue', 'unicorns']) {
    const { text } = await sendRaw(
      stage.port,
      requestBytes(
        ['POST /orders/1 HTTP/1.0', 'Host: a', stage.authorization, `Expect: ${expect}`, 'Content-Length: 5'],
        'hello',
      ),
    )
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.equal(stage.spy.requests.at(-1)?.body, 'hello')
  }
})
