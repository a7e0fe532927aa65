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

test('H1-24: a header section of exactly the limit passes, one octet more is 431; sizes are those of the field lines', async (t) => {
  const stage = await startSpied(t, { listen: { limits } })
  const size = (lines: readonly string[]): number => lines.reduce((sum, line) => sum + line.length + 2, 0)
  for (const fields of [1, 20]) {
    for (const [more, status] of [
      [0, 200],
      [1, 431],
    ] as const) {
      const lines = ['Host: a', stage.authorization, ...Array.from({ length: fields }, () => 'X: a')]
      lines.push(`Y: ${'b'.repeat(4096 + more - size(lines) - 5)}`)
      assert.equal(size(lines), 4096 + more)
      const target = `/orders/${'a'.repeat(1024 - '/orders/'.length)}`
      const answer = await sendRaw(stage.port, requestBytes([`GET ${target} HTTP/1.1`, ...lines]), { quietMs: 2000 })
      assert.equal(answer.status, status)
      if (status === 431) assert.match(answer.text, /"reason":"header_too_large"/)
      assert.equal(answer.closed, status === 431)
    }
  }
})

test('2.3 row 9, 2.4 row 6: what is far beyond is refused by its own name, ends the connection, and goes nowhere', async (t) => {
  const stage = await startSpied(t)
  const behind = requestBytes(['GET /orders/behind HTTP/1.1', 'Host: a', stage.authorization])
  const fields = (count: number): string[] => Array.from({ length: count }, () => 'a: b')
  for (const [name, lines, status, reason] of [
    ['a target of 100 kB', [`GET /orders/${'a'.repeat(100_000)} HTTP/1.1`, 'Host: a'], 414, 'target_too_long'],
    ['one field of 20 kB', ['GET /orders/1 HTTP/1.1', 'Host: a', `X: ${'b'.repeat(20_000)}`], 431, 'header_too_large'],
    [
      'one field of 100 kB',
      ['GET /orders/1 HTTP/1.1', 'Host: a', `X: ${'b'.repeat(100_000)}`],
      431,
      'header_too_large',
    ],
    ['2,100 fields', ['GET /orders/1 HTTP/1.1', 'Host: a', ...fields(2100)], 431, 'header_too_large'],
    ['4,000 fields', ['GET /orders/1 HTTP/1.1', 'Host: a', ...fields(4000)], 431, 'header_too_large'],
    [
      '2,100 before a length',
      ['PUT /orders/1 HTTP/1.1', 'Host: a', ...fields(2100), 'Content-Length: 5'],
      431,
      'header_too_large',
    ],
  ] as const) {
    const first = requestBytes([...lines, stage.authorization])
    const answer = await sendRaw(stage.port, Buffer.concat([first, behind]), { quietMs: 2000 })
    assert.equal(answer.status, status, name)
    assert.match(answer.text, new RegExp(`"reason":"${reason}"`), name)
    assert.equal(answer.text.match(/HTTP\/1\.1 \d/g)?.length, 1, name)
    assert.ok(answer.closed, name)
  }
  assert.equal(stage.spy.connections(), 0)
})

test('H1-24: up to 1,999 fields are read, and none beyond is ever left out unseen', async (t) => {
  const stage = await startSpied(t, { listen: { limits: { header_size: '1MiB' } } })
  for (const [fields, expected] of [
    [900, 200],
    [1999, 200],
    [2000, 431],
    [2001, 431],
    [2100, 431],
    [4000, 431],
  ] as const) {
    const { status } = await sendRaw(
      stage.port,
      requestBytes([
        'GET /orders/1 HTTP/1.1',
        'Host: a',
        ...Array.from({ length: fields - 2 }, () => 'a: b'),
        stage.authorization,
      ]),
      { until: wholeAnswer },
    )
    assert.equal(status, expected, String(fields))
  }
})
