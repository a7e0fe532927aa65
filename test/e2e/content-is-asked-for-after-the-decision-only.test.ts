import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
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

test('HS-10: behind an answer that is still owed 100 waits for its turn, and never stands inside an answer', async (t) => {
  const long = 'x'.repeat(20_000)
  for (const early of [true, false]) {
    let release: () => void = () => undefined
    const stage = await startSpied(t, {
      answer: ({ line }, socket) => {
        if (!line.includes('/held')) return `HTTP/1.1 200 OK\r\nContent-Length: ${long.length}\r\n\r\n${long}`
        release = () => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nheld')
        return undefined
      },
    })
    const client = await converse(t, stage.port)
    client.say(requestBytes(['GET /orders/held HTTP/1.1', 'Host: a', stage.authorization]))
    client.say(
      requestBytes([
        'POST /orders/1 HTTP/1.1',
        'Host: a',
        stage.authorization,
        'Expect: 100-continue',
        'Content-Length: 5',
      ]),
    )
    await eventually('the first one is there', () => stage.spy.requests.length === 1)
    // A client need not wait for 100: then the answer may come before the turn, and 100 is not said any more.
    if (early) {
      client.say('hello')
      await eventually('the second one is there', () => stage.spy.requests.length === 2)
      await sendRaw(stage.port, requestBytes(['GET /orders/2 HTTP/1.1', 'Host: a', stage.authorization]), {
        until: wholeAnswer,
      })
    }
    release()
    if (!early) {
      await client.hear('100', (text) => text.endsWith('heldHTTP/1.1 100 Continue\r\n\r\n'))
      client.say('hello')
    }
    const text = await client.hear('everything', (all) => all.endsWith(long))
    const heads = text.match(/HTTP\/1\.1 \d{3}/g)?.map((head) => head.slice(-3))
    assert.deepEqual(heads, early ? ['200', '200'] : ['200', '100', '200'])
    assert.equal(text.slice(text.lastIndexOf('\r\n\r\n') + 4), long)
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
