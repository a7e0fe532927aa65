import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

test('HS-1, HS-2: hop-by-hop fields of a request, and those that `Connection` names, do not go on', async (t) => {
  const stage = await startSpied(t)
  const own = [
    'Keep-Alive: timeout=5',
    'Proxy-Connection: keep-alive',
    'TE: trailers',
    'Trailer: X-Sum',
    'Proxy-Authorization: Basic eDp5',
    'Proxy-Authenticate: Basic',
    'HTTP2-Settings: AAMAAABk',
    'X-Hop: 1',
    'x-hop: 2',
    'X-Other-Hop: 3',
    'X-Stays: 4',
  ]
  const answer = await sendRaw(
    stage.port,
    requestBytes([
      'GET /orders/1 HTTP/1.1',
      'Host: a',
      stage.authorization,
      'Connection: keep-alive , X-HOP',
      'connection:,x-other-hop,,',
      ...own,
    ]),
    { until: wholeAnswer },
  )
  assert.equal(answer.status, 200)
  const [request] = stage.spy.requests
  const names = request?.fields.map(([name]) => name.toLowerCase()) ?? []
  for (const gone of own.slice(0, -1).map((line) => line.slice(0, line.indexOf(':')).toLowerCase())) {
    assert.ok(!names.includes(gone), gone)
  }
  assert.deepEqual(request?.values('x-stays'), ['4'])
  // What is left of `Connection` is undici's own.
  assert.deepEqual(request?.values('connection'), ['keep-alive'])
})

test('WS-1, CVE-2026-88008: an upgrade that nobody agreed to is plain HTTP upstream', async (t) => {
  const stage = await startSpied(t, { entry: { websocket: false } })
  for (const protocol of ['h2c', 'websocket', 'TLS/1.0', 'websocket, h2c']) {
    const { status } = await sendRaw(
      stage.port,
      requestBytes([
        'GET /orders/1 HTTP/1.1',
        'Host: a',
        stage.authorization,
        'Connection: Upgrade, HTTP2-Settings',
        `Upgrade: ${protocol}`,
        'HTTP2-Settings: AAMAAABk',
      ]),
      { until: wholeAnswer },
    )
    assert.equal(status, 200, protocol)
  }
  for (const request of stage.spy.requests) {
    assert.deepEqual([request.values('upgrade'), request.values('http2-settings')], [[], []])
    assert.deepEqual(request.values('connection'), ['keep-alive'])
  }
})

test('H1-28: behind an upgrade that is not taken the connection ends, so that nothing read ahead can be misread', async (t) => {
  const stage = await startSpied(t, { entry: { websocket: false } })
  for (const lines of [
    ['Connection: upgrade', 'Upgrade: h2c'],
    ['Connection: keep-alive, Upgrade', 'Upgrade: websocket'],
  ]) {
    const head = ['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, ...lines]
    const behind = requestBytes(['GET /orders/behind HTTP/1.1', 'Host: a', stage.authorization])
    const { text, closed } = await sendRaw(stage.port, Buffer.concat([requestBytes(head), behind]), { quietMs: 4000 })
    assert.ok(closed)
    assert.equal(text.split('HTTP/1.1 200').length, 2)
    assert.match(text, /\r\nConnection: close\r\n/)
  }
  assert.doesNotMatch(stage.spy.bytes(), /behind/)
})

test('HS-1, HS-2: hop-by-hop fields of an answer, and those that `Connection` names, do not go on', async (t) => {
  const stage = await startSpied(t, {
    answer: () =>
      [
        'HTTP/1.1 200 OK',
        'Connection: keep-alive, X-Hop, content-length, ETag',
        'Keep-Alive: timeout=5',
        'Proxy-Authenticate: Basic',
        'Proxy-Connection: keep-alive',
        'Upgrade: h2c',
        'TE: trailers',
        'X-Hop: 1',
        'ETag: "1"',
        'X-Stays: 2',
        'Content-Length: 2',
        '',
        'ok',
      ].join('\r\n'),
  })
  const { text } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]), {
    until: wholeAnswer,
  })
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
  assert.match(text, /\r\nX-Stays: 2\r\n/)
  assert.match(text, /\r\nContent-Length: 2\r\n/)
  assert.doesNotMatch(text, /\r\n(?:x-hop|etag|upgrade|te|proxy-[a-z]+):/i)
  assert.doesNotMatch(text, /x-hop|timeout=5\r/i)
})
