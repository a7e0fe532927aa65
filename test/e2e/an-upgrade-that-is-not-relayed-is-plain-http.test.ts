import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { handshakeLines, switchingHead } from '../support/websocket.ts'

const smuggled = 'GET /orders/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'

test('WS-2, WS-3, attacks 2.5: another protocol, method or version is an ordinary request, and its connection ends', async (t) => {
  const stage = await startSpied(t)
  const lines = (fields: Readonly<Record<string, string | undefined>>) =>
    handshakeLines('/orders/1', { Authorization: `Bearer ${stage.token()}`, ...fields })
  const [, ...fields] = lines({})
  const cases: readonly (readonly [what: string, lines: readonly string[], content?: string])[] = [
    ['h2c', lines({ Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings', 'HTTP2-Settings': 'AAMAAABk' })],
    ['an unknown protocol', lines({ Upgrade: 'foo' })],
    ['TLS', lines({ Upgrade: 'TLS/1.2' })],
    ['HTTP/1.0', ['GET /orders/1 HTTP/1.0', ...fields]],
    ['POST', ['POST /orders/1 HTTP/1.1', ...fields, 'Content-Length: 2'], 'ab'],
    ['PUT without content', ['PUT /orders/1 HTTP/1.1', ...fields, 'Content-Length: 0']],
    ['OPTIONS', ['OPTIONS /orders/1 HTTP/1.1', ...fields]],
  ]
  for (const [what, head, content = ''] of cases) {
    const before = stage.spy.requests.length
    const answer = await sendRaw(stage.port, requestBytes(head, content + smuggled), { quietMs: 4000 })
    assert.deepEqual([answer.status, answer.closed], [200, true], what)
    assert.equal(answer.text.split('HTTP/1.1').length, 2, what)
    assert.equal(stage.spy.requests.length, before + 1, what)
    const request = stage.spy.requests.at(-1)
    assert.deepEqual(
      ['upgrade', 'http2-settings', 'connection'].map((name) => request?.values(name)),
      [[], [], ['keep-alive']],
      what,
    )
  }
  assert.doesNotMatch(stage.spy.bytes(), /smuggled/)
})

test('WS-2: without Connection there is no upgrade, and the connection goes on', async (t) => {
  const stage = await startSpied(t)
  const head = handshakeLines('/orders/1', { Authorization: `Bearer ${stage.token()}`, Connection: undefined })
  const client = await converse(t, stage.port)
  client.say(Buffer.concat([requestBytes(head), requestBytes(head)]))
  await client.hear('two answers', (text) => text.split('\r\n\r\nok').length === 3)
  assert.deepEqual(
    stage.spy.requests.map((request) => request.values('upgrade')),
    [[], []],
  )
})

test('WS-2: with `websocket: false` a handshake is an ordinary request, whatever the upstream would like', async (t) => {
  const body = 'x'.repeat(3_000_000)
  const answers: readonly (readonly [status: number, answer: string])[] = [
    [200, 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'],
    [200, `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`],
    [426, 'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nContent-Length: 2\r\n\r\nok'],
    [502, switchingHead()],
  ]
  for (const [status, said] of answers) {
    const stage = await startSpied(t, { entry: { websocket: false }, answer: () => said })
    const head = handshakeLines('/orders/1', { Authorization: `Bearer ${stage.token()}` })
    const answer = await sendRaw(stage.port, requestBytes(head, smuggled), { quietMs: 4000 })
    assert.deepEqual([answer.status, answer.closed], [status, true])
    assert.match(answer.text, /\r\nConnection: close\r\n/)
    if (status < 500) assert.ok(answer.text.endsWith(said.slice(said.indexOf('\r\n\r\n'))))
    assert.deepEqual(
      stage.spy.requests.map((request) => request.values('upgrade')),
      [[]],
    )
    assert.doesNotMatch(stage.spy.bytes(), /smuggled/)
    const records = (await stage.log()).filter(({ msg }) => msg === 'request')
    assert.deepEqual(
      records.map((record) => record.status),
      [status],
    )
  }
})

test('WS-2: with `websocket: false` content is content', async (t) => {
  const stage = await startSpied(t, { entry: { websocket: false } })
  const head = handshakeLines('/orders/1', { Authorization: `Bearer ${stage.token()}`, 'Content-Length': '5' })
  assert.equal((await sendRaw(stage.port, requestBytes(head, 'hello'), { quietMs: 4000 })).status, 200)
  assert.equal(stage.spy.requests[0]?.body, 'hello')
})

test('H1-28: answers that are owed before a handshake go out first and whole; it is answered in its turn, and is no tunnel', async (t) => {
  const size = 5_000_000
  const stage = await startSpied(t, {
    answer: ({ line, values }) =>
      line.includes('big')
        ? `HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n${'b'.repeat(size)}`
        : values('upgrade').length > 0
          ? switchingHead()
          : 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain',
  })
  const authorization = `Authorization: Bearer ${stage.token()}`
  const big = requestBytes(['GET /orders/big HTTP/1.1', 'Host: a', authorization])
  const handshake = requestBytes([...handshakeLines('/orders/feed'), authorization], smuggled)
  const client = await converse(t, stage.port)
  client.say(Buffer.concat([big, big, handshake]))
  const text = await client.end()
  const parts = text.split(/(?=HTTP\/1\.1 \d{3} )/)
  assert.deepEqual(
    parts.map((part) => part.length - part.indexOf('\r\n\r\n') - 4),
    [size, size, 5],
  )
  assert.doesNotMatch(text, / 101 /)
  assert.equal(stage.spy.requests.length, 3)
  assert.doesNotMatch(stage.spy.bytes(), /smuggled/)
})

test('H1-28, HS-27: a client that leaves with answers owed and a handshake behind them leaves nothing open', async (t) => {
  let open = 0
  const stage = await startSpied(t, {
    answer: (_, socket) => {
      open++
      socket.on('close', () => open--)
      return undefined
    },
  })
  const authorization = `Authorization: Bearer ${stage.token()}`
  const slow = requestBytes(['GET /orders/slow HTTP/1.1', 'Host: a', authorization])
  const handshake = requestBytes([...handshakeLines('/orders/feed'), authorization], smuggled)
  for (const leave of ['end', 'reset'] as const) {
    const client = await converse(t, stage.port)
    client.say(Buffer.concat([slow, handshake]))
    await eventually('they are there', () => open > 0)
    if (leave === 'end') client.socket.end()
    else client.socket.resetAndDestroy()
    await eventually(`${leave}: nothing is left upstream`, () => open === 0)
    await eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
  }
})
