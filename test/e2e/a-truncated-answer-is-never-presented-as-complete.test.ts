import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { startOverTls } from '../support/tls-stage.ts'

/** The first request gets these bytes and the end of the connection; the next ones get `ok`. */
const cut = (bytes: string, how: 'end' | 'reset') => {
  let first = true
  return (
    _request: unknown,
    socket: { end(): unknown; resetAndDestroy(): unknown; write(b: string, done: () => void): unknown },
  ) => {
    if (!first) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    first = false
    socket.write(bytes, () => (how === 'end' ? socket.end() : socket.resetAndDestroy()))
    return undefined
  }
}

const lines = (authorization: string, version = '1.1') =>
  requestBytes([`GET /orders/1 HTTP/${version}`, 'Host: a', authorization])

const chunked = 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n'

test('H1-21: where the head went out, what is cut stays visibly cut, and the next request works', async (t) => {
  for (const how of ['end', 'reset'] as const) {
    for (const [bytes, complete] of [
      ['HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', /hello.{5}/],
      [`${chunked}5\r\nhello\r\n`, /\r\n0\r\n/],
      [`${chunked}5\r\nhe`, /\r\n0\r\n/],
      [`${chunked}5\r\nhello\r\n0\r\n`, /\r\n0\r\n\r\n/],
      [`${chunked}5\r\nhello\r\n0\r\nX-Sum: 1\r\n`, /\r\n0\r\n.*\r\n\r\n/],
      [`${chunked}5\r\nhello\r\nzz\r\nmore\r\n`, /\r\n0\r\n/],
      [`${chunked}5\r\nhello\r\n5 \r\nmore\r\n`, /\r\n0\r\n/],
    ] as const) {
      const stage = await startSpied(t, { answer: cut(bytes, how) })
      const client = await converse(t, stage.port)
      client.say(lines(stage.authorization))
      const text = await client.end()
      // A reset may overtake the head; then it is a refusal.
      if (how === 'end') assert.match(text, /^HTTP\/1\.1 200 OK\r\n/, bytes)
      assert.doesNotMatch(text.slice(text.indexOf('\r\n\r\n') + 2), complete, `${how} ${bytes}`)
      const next = await sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer })
      assert.equal(next.status, 200)
      assert.equal(stage.spy.connections(), 2)
      await eventually('it is logged as broken', async () =>
        /broken off by the upstream|upstream_invalid/.test(await stage.logText()),
      )
    }
  }
})

test('H1-21, H1-22: a client of HTTP/1.0, which knows the end by the close alone, sees a reset', async (t) => {
  for (const bytes of [`${chunked}5\r\nhello\r\n`, 'HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello']) {
    const stage = await startSpied(t, { answer: cut(bytes, 'end') })
    const client = await converse(t, stage.port)
    client.say(lines(stage.authorization, '1.0'))
    const text = await client.end()
    if (!text.includes('Content-Length: 10')) assert.ok(client.reset(), text)
  }
})

test('H1-21: where nothing went out yet, it is 502 and the next request works', async (t) => {
  for (const how of ['end', 'reset'] as const) {
    for (const bytes of [
      '',
      'H',
      'HTTP/1.1 200 OK\r\n',
      'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n',
      'HTTP/1.1 102 Processing\r\n\r\n',
    ]) {
      const stage = await startSpied(t, { answer: cut(bytes, how) })
      const { status, text } = await sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer })
      assert.equal(status, 502, `${how} ${bytes}`)
      assert.match(text, /"reason":"upstream_invalid"/)
      assert.equal((await sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer })).status, 200)
    }
  }
})

test('an answer that ends with its connection, as HTTP/1.0 servers write it, is complete', async (t) => {
  const stage = await startSpied(t, { answer: cut('HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello', 'end') })
  const { text } = await sendRaw(stage.port, lines(stage.authorization), { until: (all) => all.endsWith('0\r\n\r\n') })
  assert.match(text, /\r\n5\r\nhello\r\n0\r\n\r\n$/)
})

test('HS-16: a request whose connection died is delivered once, never again', async (t) => {
  for (const method of ['GET', 'POST', 'PUT']) {
    const stage = await startSpied(t, {
      answer: (_request, socket) => {
        socket.resetAndDestroy()
        return undefined
      },
    })
    const { status } = await sendRaw(
      stage.port,
      requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: a', stage.authorization]),
      { until: wholeAnswer },
    )
    assert.equal(status, 502)
    assert.equal(stage.spy.requests.length, 1)
  }
})

test('H1-21, H1-22: over TLS too a client of HTTP/1.0 can tell: the end that TLS marks does not come', async (t) => {
  const stage = await startOverTls(t, {}, { answer: cut(`${chunked}5\r\nhello\r\n`, 'end') })
  const client = await stage.converse()
  let ended = false
  client.socket.on('end', () => {
    ended = true
  })
  client.say(lines(stage.authorization, '1.0'))
  const text = await client.end()
  assert.ok(client.reset() || !ended, text)
  assert.match(await stage.ask({}), /ok$/)
})
