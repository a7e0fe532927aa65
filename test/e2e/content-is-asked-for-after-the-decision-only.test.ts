import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

test('HS-10: a refused request is never asked for its content, and its connection ends', async (t) => {
  const stage = await startSpied(t, {
    entry: { routes: { 'POST /closed': 'deny', '/**': 'authenticated' } },
    listen: { limits: { body_size: 100 } },
  })
  for (const [first, line, length, refused] of [
    ['POST /orders/1', 'X-None: 1', 5, 401],
    ['POST /orders/1', 'Authorization: Bearer x', 5, 401],
    ['POST /orders/closed', stage.authorization, 5, 403],
    ['POST /elsewhere', stage.authorization, 5, 404],
    ['POST /orders/1', stage.authorization, 101, 413],
  ] as const) {
    const { text, closed, status } = await sendRaw(
      stage.port,
      requestBytes([`${first} HTTP/1.1`, 'Host: a', line, 'Expect: 100-continue', `Content-Length: ${length}`]),
    )
    assert.equal(status, refused)
    assert.ok(closed)
    assert.doesNotMatch(text, /HTTP\/1\.1 100/)
  }
  assert.equal(stage.spy.connections(), 0)
})

test('HS-10: a granted one is asked, and `Expect` does not go on', async (t) => {
  const stage = await startSpied(t)
  for (const line of ['Expect: 100-continue', 'expect: 100-Continue']) {
    const client = await converse(t, stage.port)
    client.say(requestBytes(['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization, line, 'Content-Length: 5']))
    const asked = await client.hear('100', (text) => text.includes('\r\n\r\n'))
    assert.equal(asked, 'HTTP/1.1 100 Continue\r\n\r\n')
    client.say('hello')
    await client.hear('the answer', (text) => text.endsWith('ok'))
    assert.equal(stage.spy.requests.at(-1)?.body, 'hello')
    assert.deepEqual(stage.spy.requests.at(-1)?.values('expect'), [])
  }
})

test('HS-11: any other expectation is 417, whatever stands beside it', async (t) => {
  const stage = await startSpied(t)
  for (const expect of ['unicorns', '200-ok', 'y 100-continue', '100-continue, x', '100-continue;q=1']) {
    const { status, text, closed } = await sendRaw(
      stage.port,
      requestBytes(
        ['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization, `Expect: ${expect}`, 'Content-Length: 5'],
        'hello',
      ),
      { until: (all) => all.includes('}') },
    )
    assert.equal(status, 417, expect)
    assert.match(text, /"reason":"expectation_failed"/)
    assert.ok(!text.includes('HTTP/1.1 100') && !closed)
  }
  assert.equal(stage.spy.connections(), 0)
})
