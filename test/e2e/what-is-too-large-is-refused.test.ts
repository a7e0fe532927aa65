import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const limits = { header_size: '4KiB', target_size: '1KiB', token_size: '2KiB', body_size: '1000' }

test('HS-22: content beyond `body_size` that is announced is 413 before anything goes upstream', async (t) => {
  const stage = await startSpied(t, { listen: { limits } })
  const send = (length: string) =>
    sendRaw(
      stage.port,
      requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, `Content-Length: ${length}`], 'x'),
      { quietMs: 4000 },
    )
  for (const { status, text, closed } of await Promise.all(['1001', '10737418240'].map(send))) {
    assert.equal(status, 413)
    assert.match(text, /"reason":"body_too_large"/)
    assert.ok(closed)
  }
  assert.equal(stage.spy.connections(), 0)
  const { status } = await sendRaw(
    stage.port,
    requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Content-Length: 1000'], 'x'.repeat(1000)),
    { until: wholeAnswer },
  )
  assert.equal(status, 200)
})

test('HS-22: content in chunks that grows beyond it is 413, and never completed upstream', async (t) => {
  const stage = await startSpied(t, { listen: { limits } })
  const client = await converse(t, stage.port)
  client.say(requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Transfer-Encoding: chunked']))
  const chunk = `64\r\n${'x'.repeat(100)}\r\n`
  client.say(chunk.repeat(10))
  await eventually('the first thousand are there', () => (stage.spy.bytes().match(/x/g)?.length ?? 0) >= 1000)
  client.say(chunk)
  const text = await client.hear('the refusal', (all) => all.includes('}'))
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*"reason":"body_too_large"/)
  await client.end()
  assert.equal(stage.spy.requests.length, 0)
  const { status } = await sendRaw(
    stage.port,
    requestBytes(
      ['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Transfer-Encoding: chunked'],
      `${chunk.repeat(10)}0\r\n\r\n`,
    ),
    { until: wholeAnswer },
  )
  assert.equal(status, 200)
  assert.equal(stage.spy.requests[0]?.body.length, 1000)
})

test('H1-5, H1-24, 2.1 row 23: a long target is 414, a long header 431, a long token 401; what fits passes', async (t) => {
  const stage = await startSpied(t, { listen: { limits } })
  const ask = (first: string, lines: readonly string[]) =>
    sendRaw(stage.port, requestBytes([`${first} HTTP/1.1`, 'Host: a', ...lines]), { until: wholeAnswer })
  const target = (length: number): string => `GET /orders/${'a'.repeat(length - '/orders/'.length)}`
  const long = `Authorization: Bearer ${stage.token({ pad: 'x'.repeat(2000) })}`
  for (const [first, lines, status, reason] of [
    [target(1024), [stage.authorization], 200, ''],
    [target(1025), [stage.authorization], 414, 'target_too_long'],
    [`GET /orders/1?${'q'.repeat(1024)}`, [stage.authorization], 414, 'target_too_long'],
    ['GET /orders/1', [stage.authorization, `X: ${'a'.repeat(3000)}`], 200, ''],
    ['GET /orders/1', [stage.authorization, `X: ${'a'.repeat(4000)}`], 431, 'header_too_large'],
    ['GET /orders/1', [stage.authorization, `X: ${'a'.repeat(100_000)}`], 431, 'header_too_large'],
    ['GET /orders/1', [stage.authorization, ...Array.from({ length: 1000 }, () => 'a: b')], 431, 'header_too_large'],
    ['GET /orders/1', [long], 401, 'token_too_long'],
  ] as const) {
    const answer = await ask(first, lines)
    assert.equal(answer.status, status, answer.text)
    if (reason !== '') assert.match(answer.text, new RegExp(`"reason":"${reason}"`))
  }
  assert.equal(stage.spy.requests.length, 2)
})

test('H1-5: by default a request line of 8,000 octets and a field of 8 kB pass', async (t) => {
  const stage = await startSpied(t)
  const { status } = await sendRaw(
    stage.port,
    requestBytes([
      `GET /orders/${'a'.repeat(7_978)} HTTP/1.1`,
      'Host: a',
      stage.authorization,
      `X: ${'b'.repeat(8192)}`,
    ]),
    { until: wholeAnswer },
  )
  assert.equal(status, 200)
})

test('H1-24: where the limits are off, Node’s silent cut at 2,000 fields still cannot hide a field', async (t) => {
  const stage = await startSpied(t, { listen: { limits: { header_size: '1MiB' } } })
  for (const count of [900, 2100, 4000]) {
    const { status } = await sendRaw(
      stage.port,
      requestBytes([
        'GET /orders/1 HTTP/1.1',
        'Host: a',
        ...Array.from({ length: count }, () => 'a: b'),
        stage.authorization,
      ]),
      { until: wholeAnswer },
    )
    assert.equal(status, count === 900 ? 200 : 431)
  }
})
