import assert from 'node:assert/strict'
import { createServer } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS, startOrders } from '../support/orders.ts'
import { finalAnswer, requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied, startSpy } from '../support/spy.ts'
import { startRawUpstream } from '../support/upstream.ts'

const lines = (authorization: string) => requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', authorization])

/** What no upstream may say, and whether the client may see a head at all. */
const invalid: readonly (readonly [name: string, bytes: string])[] = [
  ['no HTTP', 'hello\r\n\r\n'],
  ['another protocol', 'ICY 200 OK\r\n\r\n'],
  ['HTTP/1.2', 'HTTP/1.2 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of two digits', 'HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a status of four digits', 'HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['status 000', 'HTTP/1.1 000 OK\r\nContent-Length: 0\r\n\r\n'],
  ['status 099', 'HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n'],
  ['status 600', 'HTTP/1.1 600 OK\r\nContent-Length: 0\r\n\r\n'],
  ['status 999', 'HTTP/1.1 999 OK\r\nContent-Length: 0\r\n\r\n'],
  ['NUL in the reason', 'HTTP/1.1 200 O\0K\r\nContent-Length: 0\r\n\r\n'],
  ['a bare CR in the reason', 'HTTP/1.1 200 O\rK\r\nContent-Length: 0\r\n\r\n'],
  ['NUL in a value', 'HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 0\r\n\r\n'],
  ['a bare CR in a value', 'HTTP/1.1 200 OK\r\nX: a\rb\r\nContent-Length: 0\r\n\r\n'],
  ['a folded line', 'HTTP/1.1 200 OK\r\nX: a\r\n b\r\nContent-Length: 0\r\n\r\n'],
  ['a bare LF', 'HTTP/1.1 200 OK\r\nX: a\nContent-Length: 0\r\n\r\n'],
  ['white space before a colon', 'HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 0\r\n\r\n'],
  ['a bad name', 'HTTP/1.1 200 OK\r\nX Y: a\r\nContent-Length: 0\r\n\r\n'],
  ['a length beside a coding', 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n'],
  ['two lengths', 'HTTP/1.1 200 OK\r\nContent-Length: 0\r\nContent-Length: 5\r\n\r\nhello'],
  ['length +5', 'HTTP/1.1 200 OK\r\nContent-Length: +5\r\n\r\nhello'],
  ['length 0x5', 'HTTP/1.1 200 OK\r\nContent-Length: 0x5\r\n\r\nhello'],
  ['a length that overflows', 'HTTP/1.1 200 OK\r\nContent-Length: 18446744073709551621\r\n\r\nhello'],
  ['80 kB of fields', `HTTP/1.1 200 OK\r\n${'X-A: aaaaaaaaaaaaa\r\n'.repeat(4096)}Content-Length: 0\r\n\r\n`],
  [
    'an upgrade nobody asked for',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ],
  ['101 without Upgrade', 'HTTP/1.1 101 Switching Protocols\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n'],
  ['a flood of interim answers', 'HTTP/1.1 102 Processing\r\n\r\n'.repeat(20_000)],
  ['a flood of 100', 'HTTP/1.1 100 Continue\r\n\r\n'.repeat(20_000)],
]

test('ER-1, H1-13, H1-14: what is no answer is 502, nothing of it goes on, and the next request works', async (t) => {
  const faults: string[] = []
  for (const [name, bytes] of invalid) {
    let first = true
    const stage = await startSpied(t, {
      entry: { timeouts: { response: '700ms' } },
      answer: (_request, socket) => {
        if (!first) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
        first = false
        socket.write(bytes, 'latin1')
        return undefined
      },
    })
    const bad = await sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer, quietMs: 5000 })
    const good = await sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer })
    if (bad.status !== 502 || !bad.text.includes('"reason":"upstream_invalid"')) {
      faults.push(`${name}: ${JSON.stringify(bad.text.slice(0, 120))}`)
    }
    if (good.status !== 200) faults.push(`${name}: then ${good.status}`)
  }
  assert.deepEqual(faults, [])
})

test('HS-12: interim answers before the answer are legal', async (t) => {
  const stage = await startSpied(t, {
    answer: () =>
      `${'HTTP/1.1 102 Processing\r\n\r\n'.repeat(4)}HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`,
  })
  for (const version of ['1.1', '1.0']) {
    const { text } = await sendRaw(
      stage.port,
      requestBytes([`GET /orders/1 HTTP/${version}`, 'Host: a', stage.authorization]),
      { until: (all) => all.endsWith('ok') },
    )
    assert.match(finalAnswer(text), /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(text, /ok$/)
  }
})

test('ER-1: what the parser lets pass becomes an answer of our own form, never the bytes that came', async (t) => {
  for (const bytes of [
    'HTTP/2.0 200 OK\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.0 200\r\nContent-Length: 2\r\n\r\nok',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n2;x=y\r\nok\r\n0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n00002\r\nok\r\n0\r\n\r\n',
  ]) {
    const stage = await startSpied(t, { answer: () => bytes })
    const { text } = await sendRaw(stage.port, lines(stage.authorization), {
      until: (all) => wholeAnswer(all) || all.endsWith('0\r\n\r\n'),
    })
    assert.match(text, /^HTTP\/1\.1 (?:200 (?:OK)?\r\n[\s\S]*(?:\r\nok|\r\n2\r\nok\r\n0\r\n\r\n)$|502 )/, bytes)
  }
})

test('ER-1: nobody there, no such name, and no TLS are 502 upstream_unreachable, without a word about where', async (t) => {
  const plain = createServer((socket) => socket.on('error', () => undefined).end('no TLS here')).listen(0, '127.0.0.1')
  t.after(() => plain.close())
  await new Promise((resolve) => plain.once('listening', resolve))
  const address = plain.address()
  const tlsPort = typeof address === 'object' ? address?.port : 0
  for (const origin of [
    `http://127.0.0.1:${await freePort()}`,
    'http://no-such-host.invalid:80',
    `https://127.0.0.1:${tlsPort}`,
  ]) {
    const stage = await startGateway(
      t,
      `${issuerYaml()}upstreams: ${JSON.stringify({ [origin]: { resource: ORDERS, at: '/orders' } })}`,
    )
    for (let i = 0; i < 2; i++) {
      const { status, text } = await sendRaw(stage.port, lines(`Authorization: Bearer ${liveToken()}`), {
        until: wholeAnswer,
        quietMs: 5000,
      })
      assert.equal(status, 502)
      assert.match(text, /"reason":"upstream_unreachable"/)
      assert.doesNotMatch(text, /127\.0\.0\.1|invalid|ECONN|ENOTFOUND|node:|\bat /)
    }
  }
})

test('H1-20: what an upstream says unasked, before or behind an answer, is never the next client’s answer', async (t) => {
  const ok = 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
  const evil = 'HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'
  for (const [name, connected, answer] of [
    ['two answers at once', '', () => ok + evil],
    ['more bytes than it said', '', () => `${ok}evil`],
    ['it speaks when it is connected', 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', () => `${ok}${evil}`],
    [
      '408 when it is tired',
      '',
      () => `${ok}HTTP/1.1 408 Request Timeout\r\nContent-Length: 4\r\nConnection: close\r\n\r\nevil`,
    ],
    ['content for a 204', '', () => `HTTP/1.1 204 No Content\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`],
    ['content for a 304', '', () => `HTTP/1.1 304 Not Modified\r\nContent-Length: ${evil.length}\r\n\r\n${evil}`],
  ] as const) {
    const upstream = await startRawUpstream(t, (socket) => {
      if (connected !== '') socket.write(connected)
      socket.on('data', () => socket.write(answer()))
    })
    const stage = await startOrders(t, { pool: { connections: 1 } }, { upstream: { ...upstream, seen: [] } })
    for (let i = 0; i < 6; i++) {
      const { text } = await sendRaw(stage.port, lines(`Authorization: Bearer ${stage.token()}`), {
        until: (all) => wholeAnswer(all) || /^HTTP\/1\.1 [23]04/.test(all),
        quietMs: 3000,
      })
      assert.match(text, /^HTTP\/1\.1 (?:200|204|304|502) /, name)
      assert.doesNotMatch(text, /evil/, name)
    }
  }
})

test('H1-20: a second answer 100 ms late is nobody’s', async (t) => {
  const stage = await startSpied(t, {
    entry: { pool: { connections: 1 } },
    answer: (_request, socket) => {
      setTimeout(() => socket.write('HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil'), 100)
      return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    },
  })
  const ask = () => sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer })
  assert.match((await ask()).text, /ok$/)
  const since = performance.now()
  await eventually('the late answer has come', () => performance.now() - since > 150)
  assert.match((await ask()).text, /ok$/)
  assert.equal(stage.spy.connections(), 2)
})

test('one hostile upstream harms nobody else’s answers', async (t) => {
  const hostile = await startSpy(t, () => 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\n\r\nevil')
  const good = await startSpy(t)
  const map = {
    [hostile.url]: { resource: ORDERS, at: '/orders' },
    [good.url]: { resource: 'https://api.test/good', at: '/good', routes: { '/**': 'public' } },
  }
  const { port } = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
  await Promise.all(
    Array.from({ length: 20 }, async (_, i) => {
      const path = i % 2 === 0 ? '/orders/1' : '/good/1'
      const { text } = await sendRaw(
        port,
        requestBytes([
          `GET ${path} HTTP/1.1`,
          'Host: a',
          ...(i % 2 === 0 ? [`Authorization: Bearer ${liveToken()}`] : []),
        ]),
        { until: wholeAnswer },
      )
      if (i % 2 === 1) assert.match(text, /^HTTP\/1\.1 200 [\s\S]*\r\n\r\nok$/)
      assert.doesNotMatch(text, /evil/)
    }),
  )
})

test('ER-1: beyond the connections and the queue it is 503 upstream_overloaded', async (t) => {
  const stage = await startSpied(t, { entry: { pool: { connections: 1, queue: 3 } }, answer: () => undefined })
  const client = await converse(t, stage.port)
  // Pipelined, so that one connection brings them all.
  client.say(Buffer.concat(Array.from({ length: 4 }, () => lines(stage.authorization))))
  await eventually('they wait', async () => /^audgate_open_requests 4$/m.test(await stage.metrics()))
  const { status, text } = await sendRaw(stage.port, lines(stage.authorization), { until: wholeAnswer })
  assert.equal(status, 503)
  assert.match(text, /"reason":"upstream_overloaded"/)
})
