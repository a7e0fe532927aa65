import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const forbidden = [
  'Authorization: Bearer evil',
  'Host: evil.test',
  'Content-Type: text/evil',
  'X-Auth-Subject: evil',
  'Cookie: evil=1',
]

test('H1-18: request trailers are dropped: they are no fields, and the upstream sees none', async (t) => {
  const stage = await startSpied(t, { entry: { identity_headers: { 'X-Auth-Subject': 'sub' } } })
  const content = `5\r\nhello\r\n0\r\n${forbidden.join('\r\n')}\r\nX-Sum: evil\r\n\r\n`
  const { status } = await sendRaw(
    stage.port,
    requestBytes(
      ['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Transfer-Encoding: chunked', 'Trailer: X-Sum'],
      content,
    ),
    { until: wholeAnswer },
  )
  assert.equal(status, 200)
  assert.equal(stage.spy.requests[0]?.body, 'hello')
  assert.deepEqual(stage.spy.requests[0]?.trailers, [])
  assert.doesNotMatch(stage.spy.bytes(), /evil/)
})

test('H1-18: trailers that would frame the message anew are refused', async (t) => {
  const stage = await startSpied(t)
  for (const line of ['Content-Length: 5', 'Transfer-Encoding: chunked']) {
    const { status } = await sendRaw(
      stage.port,
      requestBytes(
        ['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Transfer-Encoding: chunked'],
        `5\r\nhello\r\n0\r\n${line}\r\n\r\n`,
      ),
      { until: wholeAnswer },
    )
    assert.equal(status, 400, line)
  }
  assert.equal(stage.spy.requests.length, 0)
})

test('H1-18: a credential in a trailer is none', async (t) => {
  const stage = await startSpied(t)
  const { status, text } = await sendRaw(
    stage.port,
    requestBytes(
      ['POST /orders/1 HTTP/1.1', 'Host: a', 'Transfer-Encoding: chunked', 'Trailer: Authorization'],
      `0\r\n${stage.authorization}\r\n\r\n`,
    ),
    { until: wholeAnswer },
  )
  assert.equal(status, 401)
  assert.match(text, /"reason":"token_missing"/)
  assert.equal(stage.spy.connections(), 0)
})

test('HS-9, H1-18: trailers of an answer are relayed, in order and repeated; forbidden ones are dropped', async (t) => {
  const dropped = [
    'Set-Cookie: evil=1',
    'WWW-Authenticate: Bearer evil',
    'Content-Type: text/evil',
    'Connection: evil',
    'Host: evil',
    'Authorization: evil',
    'Cache-Control: evil',
    'Location: /evil',
    'Trailer: evil',
    'Upgrade: evil',
  ]
  const stage = await startSpied(t, {
    answer: () =>
      `HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\n${dropped.join('\r\n')}\r\nx-sum: 2\r\ngrpc-status: 0\r\n\r\n`,
  })
  const { text } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]), {
    until: (all) => all.includes('\r\nok\r\n0\r\n') && all.endsWith('\r\n\r\n'),
  })
  assert.match(text, /\r\nTrailer: X-Sum\r\n/)
  assert.match(text, /\r\n2\r\nok\r\n0\r\nX-Sum: 1\r\nx-sum: 2\r\ngrpc-status: 0\r\n\r\n$/)
  assert.doesNotMatch(text, /evil/)
})

test('HS-9, H1-18, H1-22: without chunks there are no trailers, and none are announced; the answer is whole', async (t) => {
  const chunked = 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nTransfer-Encoding: chunked\r\n\r\n'
  for (const [method, version, answer, whole] of [
    ['GET', '1.0', `${chunked}2\r\nok\r\n0\r\nX-Sum: 1\r\n\r\n`, /\r\n\r\nok$/],
    ['HEAD', '1.1', chunked, /\r\n\r\n$/],
    ['GET', '1.1', 'HTTP/1.1 200 OK\r\nTrailer: X-Sum\r\nContent-Length: 2\r\n\r\nok', /\r\n\r\nok$/],
    ['GET', '1.1', 'HTTP/1.1 204 No Content\r\ntrailer: X-Sum\r\n\r\n', /\r\n\r\n$/],
    ['GET', '1.1', 'HTTP/1.1 304 Not Modified\r\nTrailer: X-Sum\r\nTrailer: X-B\r\n\r\n', /\r\n\r\n$/],
  ] as const) {
    const stage = await startSpied(t, { answer: () => answer })
    const { text, status } = await sendRaw(
      stage.port,
      requestBytes([`${method} /orders/1 HTTP/${version}`, 'Host: a', stage.authorization, 'Connection: close']),
      { quietMs: 5000 },
    )
    assert.ok(status < 400 && !/trailer|x-sum/i.test(text), text)
    assert.match(text, whole)
  }
})

test('HS-8: what a client says of trailers is for one hop, and the upstream is asked for none', async (t) => {
  const stage = await startSpied(t)
  const lines = ['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'TE: trailers', 'Connection: TE']
  assert.equal((await sendRaw(stage.port, requestBytes(lines), { until: wholeAnswer })).status, 200)
  assert.deepEqual(stage.spy.requests[0]?.values('te'), [])
})
