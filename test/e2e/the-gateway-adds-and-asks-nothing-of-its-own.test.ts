import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const ask = (port: number, head: readonly string[], content = '') =>
  sendRaw(port, requestBytes(head, content), { until: wholeAnswer })

test('HS-8: what the client accepts as transfer codings ends here, and nothing is offered in its place', async (t) => {
  const stage = await startSpied(t)
  for (const lines of [[], ['TE: trailers'], ['Connection: TE', 'TE: trailers, deflate;q=0.5'], ['TE: gzip', 'TE:']]) {
    const { status } = await ask(stage.port, ['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, ...lines])
    assert.equal(status, 200)
  }
  assert.equal(stage.spy.requests.length, 4)
  for (const request of stage.spy.requests) {
    assert.deepEqual(request.values('te'), [])
    assert.deepEqual(request.values('connection'), ['keep-alive'])
  }
})

test('HS-20: with `require_https` a plain connection gets 403, unless a trusted proxy vouches for it', async (t) => {
  for (const [proxies, expected] of [
    [[], 403],
    [['127.0.0.1'], 200],
  ] as const) {
    const stage = await startSpied(t, { listen: { require_https: true, trusted_proxies: proxies } })
    const head = ['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'X-Forwarded-Proto: https']
    const { status, text } = await ask(stage.port, head)
    assert.equal(status, expected)
    assert.equal(text.includes('"reason":"https_required"'), expected === 403)
    assert.equal(stage.spy.requests.length, expected === 200 ? 1 : 0)
  }
})

test('HS-21: our own 405 says what is allowed, and that of the upstream is its own', async (t) => {
  const stage = await startSpied(t, {
    entry: { routes: { 'GET,PUT /{id}': 'authenticated' } },
    answer: () => 'HTTP/1.1 405 Method Not Allowed\r\nAllow: PURGE, x\r\nContent-Length: 0\r\n\r\n',
  })
  const own = await ask(stage.port, ['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization])
  assert.equal(own.status, 405)
  assert.match(own.text, /\r\nAllow: GET, PUT, HEAD\r\n/)
  const theirs = await ask(stage.port, ['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization])
  assert.equal(theirs.status, 405)
  assert.match(theirs.text, /\r\nAllow: PURGE, x\r\n/)
  assert.equal(theirs.text.match(/\r\nallow:/gi)?.length, 1)
})

test('HS-23: no route demands a length: content in chunks goes on', async (t) => {
  const stage = await startSpied(t)
  const head = ['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Transfer-Encoding: chunked']
  const { status } = await ask(stage.port, head, '5\r\nhello\r\n0\r\n\r\n')
  assert.equal(status, 200)
  assert.equal(stage.spy.requests[0]?.body, 'hello')
})

test('HS-26: `Host` upstream is that of the upstream, whatever the client said', async (t) => {
  const stage = await startSpied(t)
  for (const [target, host] of [
    ['/orders/1', 'a.test'],
    ['http://b.test/orders/1', 'a.test'],
    ['/orders/1', 'A.TEST:81'],
  ] as const) {
    const { status } = await ask(stage.port, [`GET ${target} HTTP/1.1`, `Host: ${host}`, stage.authorization])
    assert.equal(status, 200)
  }
  assert.deepEqual(
    stage.spy.requests.map(({ values }) => [values('host'), values('x-forwarded-host')]),
    [
      [[`127.0.0.1:${stage.spy.port}`], ['a.test']],
      [[`127.0.0.1:${stage.spy.port}`], ['b.test']],
      [[`127.0.0.1:${stage.spy.port}`], ['A.TEST:81']],
    ],
  )
})
