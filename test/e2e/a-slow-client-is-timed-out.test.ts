import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

test('H1-25: a head that does not come to its end in time is 408, also byte by byte, also behind a good request', async (t) => {
  const stage = await startSpied(t, { listen: { timeouts: { header: '300ms' } } })
  const dripped = async (first: Buffer): Promise<void> => {
    const client = await converse(t, stage.port)
    client.say(Buffer.concat([first, Buffer.from('GET /orders/1 HTTP/1.1\r\nX: ')]))
    const drip = setInterval(() => client.closed() || client.say('a'), 50)
    const text = await client.end()
    clearInterval(drip)
    assert.match(text, /HTTP\/1\.1 408 Request Timeout\r\n[\s\S]*"reason":"request_timeout"/)
  }
  const good = requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization])
  await Promise.all([Buffer.alloc(0), good].map(dripped))
  assert.ok(stage.spy.requests.length <= 1)
})

test('H1-25: a connection on which nothing comes ends too, and nothing is said or logged of it', async (t) => {
  const stage = await startSpied(t, { listen: { timeouts: { header: '300ms', idle: '300ms' } } })
  const silent = await converse(t, stage.port)
  assert.equal(await silent.end(), '')
  const idle = await converse(t, stage.port)
  idle.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
  const text = await idle.end()
  assert.equal(text.match(/HTTP\/1\.1 \d+/g)?.join(), 'HTTP/1.1 200')
  assert.equal((await stage.log()).filter(({ msg }) => msg === 'request').length, 1)
})

test('H1-25: a message that is not whole within `request` is 408, however it comes, and ends upstream', async (t) => {
  // Less than what the head may take, which then has no longer either.
  const stage = await startSpied(t, { listen: { timeouts: { request: '400ms' } } })
  const dripped = async (...begin: string[]): Promise<void> => {
    const client = await converse(t, stage.port)
    client.say(begin.join('\r\n'))
    const drip = setInterval(() => client.closed() || client.say('a'), 50)
    const text = await client.end()
    clearInterval(drip)
    assert.match(text, /^HTTP\/1\.1 408 [\s\S]*"reason":"request_timeout"/)
  }
  const put = ['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Content-Length: 1000', '', 'x']
  await Promise.all([dripped(...put), dripped('GET /orders/1 HTTP/1.1', 'X: ')])
  assert.equal(stage.spy.requests.length, 0)
  assert.match(stage.spy.bytes(), /^PUT /)
  const slow = await converse(t, stage.port)
  slow.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
  await slow.hear('an answer', (text) => text.endsWith('ok'))
})

test('2.6 row 1: a thousand clients that write byte by byte are timed out, and hurt no good one', async (t) => {
  const stage = await startSpied(t, { listen: { timeouts: { header: '2s' } } })
  const good = await converse(t, stage.port)
  let answered = 0
  const took = async (): Promise<number> => {
    const begin = performance.now()
    good.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
    answered++
    await good.hear('the answer', (text) => text.split('HTTP/1.1 200').length === answered + 1 && text.endsWith('ok'))
    return performance.now() - begin
  }
  await took()
  const slow = await Promise.all(Array.from({ length: 1000 }, () => converse(t, stage.port)))
  const dripping = setInterval(() => {
    for (const client of slow) if (!client.closed()) client.say('G')
  }, 500)
  t.after(() => clearInterval(dripping))
  for (const client of slow) client.say('GET /orders/1 HTTP/1.1\r\nX: ')
  const times: number[] = []
  while (!slow.every((client) => client.closed())) times.push(await took())
  for (const client of slow) assert.match(client.text(), /^HTTP\/1\.1 408 /)
  times.sort((a, b) => a - b)
  // All of them end within one second, which a good client must not notice as an outage.
  assert.ok(times.length > 100, String(times.length))
  assert.ok((times[Math.floor(times.length * 0.99)] ?? Infinity) < 200, String(times.slice(-10)))
})

test('H1-25: content that stops coming is 408, and the upstream request ends', async (t) => {
  const stage = await startSpied(t, { listen: { timeouts: { body_idle: '200ms' } } })
  for (const [framing, content] of [
    ['Content-Length: 1000000', 'hello'],
    ['Transfer-Encoding: chunked', '5\r\nhello\r\n'],
    ['Content-Length: 5', ''],
  ] as const) {
    const client = await converse(t, stage.port)
    client.say(requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, framing], content))
    const text = await client.end()
    assert.match(text, /^HTTP\/1\.1 408 [\s\S]*"reason":"request_timeout"/, framing)
  }
  assert.equal(stage.spy.requests.length, 0)
})

test('H1-25: slow content that keeps coming is not idle', async (t) => {
  const stage = await startSpied(t, { listen: { timeouts: { body_idle: '300ms' } } })
  const client = await converse(t, stage.port)
  client.say(requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Content-Length: 20']))
  let sent = 0
  const drip = setInterval(() => {
    client.say('x')
    if (++sent === 20) clearInterval(drip)
  }, 50)
  t.after(() => clearInterval(drip))
  await eventually('it was delivered', () => stage.spy.requests.length === 1)
  await client.hear('the answer', (text) => text.endsWith('ok'))
})

test('H1-25: content of a refused request that stops coming does not hold the connection', async (t) => {
  const stage = await startSpied(t)
  const refused = async (framing: string): Promise<void> => {
    const client = await converse(t, stage.port)
    client.say(requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', framing]))
    assert.match(await client.end(), /^HTTP\/1\.1 401 /)
  }
  await Promise.all(['Content-Length: 20', 'Content-Length: 1000000', 'Transfer-Encoding: chunked'].map(refused))
})
