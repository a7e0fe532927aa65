import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf } from '../support/attack.ts'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { acceptOf, frame, handshakeLines, sampleKey, switchingHead } from '../support/websocket.ts'

const smuggled = 'GET /orders/smuggled HTTP/1.1\r\nHost: a\r\n\r\n'
const good = ['Upgrade: websocket', 'Connection: Upgrade', `Sec-WebSocket-Accept: ${acceptOf(sampleKey)}`]
const switching = (lines: readonly string[]): string =>
  `HTTP/1.1 101 Switching Protocols\r\n${lines.map((line) => `${line}\r\n`).join('')}\r\n`

test('WS-6, WS-7, attacks 2.5: a 101 that is not the right one is 502, and nothing that was sent ahead goes on', async (t) => {
  const cases: readonly (readonly [what: string, answer: string])[] = [
    ['no accept', switching(good.slice(0, 2))],
    ['a wrong accept', switching([...good.slice(0, 2), `Sec-WebSocket-Accept: ${sampleKey}`])],
    ['two accepts', switching([...good, `Sec-WebSocket-Accept: ${acceptOf(sampleKey)}`])],
    ['101 to h2c', switching(['Upgrade: h2c', ...good.slice(1)])],
    ['101 to two protocols', switching(['Upgrade: websocket, h2c', ...good.slice(1)])],
    ['101 without Upgrade', switching(good.slice(1))],
    ['101 without Connection', switching([...good.slice(0, 1), ...good.slice(2)])],
    ['101 with nothing', switching([])],
    ['101 with nothing, and an answer behind it', `${switching([])}HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok`],
    ['a subprotocol nobody offered', switching([...good, 'Sec-WebSocket-Protocol: admin'])],
    ['no HTTP', 'hello\r\n\r\n'],
  ]
  for (const [what, said] of cases) {
    let closes = 0
    const stage = await startSpied(t, {
      answer: (_, socket) => {
        socket.on('close', () => closes++)
        return said
      },
    })
    const request = requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` }), smuggled)
    const answer = await sendRaw(stage.port, request, { quietMs: 4000 })
    assert.deepEqual([answer.status, reasonOf(answer), answer.closed], [502, 'upstream_invalid', true], what)
    assert.doesNotMatch(answer.text, / 101 |Sec-WebSocket/, what)
    assert.doesNotMatch(stage.spy.bytes(), /smuggled/, what)
    await eventually(`${what}: the connection to the upstream is closed`, () => closes === 1)
    assert.match(await stage.metrics(), /^audgate_open_requests 0$/m, what)
    const [record] = (await stage.log()).filter(({ msg }) => msg === 'request')
    if (said.includes(' 101 ')) assert.match(String(record?.detail), / got upgrade: a 101 /, what)
  }
})

test('WS-5, WS-6, WS-7: an answer that is no 101 is an ordinary one; nothing sent ahead goes on, and the connection ends', async (t) => {
  const cases: readonly (readonly [status: number, answer: string])[] = [
    [200, 'HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nplain'],
    [200, 'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nplain\r\n0\r\n\r\n'],
    [204, 'HTTP/1.1 204 No Content\r\n\r\n'],
    [301, 'HTTP/1.1 301 Moved\r\nLocation: https://elsewhere.test/\r\nContent-Length: 0\r\n\r\n'],
    [400, 'HTTP/1.1 400 Bad Request\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n'],
    [403, 'HTTP/1.1 403 Forbidden\r\nContent-Length: 0\r\n\r\n'],
    [
      426,
      'HTTP/1.1 426 Upgrade Required\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n',
    ],
    [503, 'HTTP/1.1 503 Busy\r\nContent-Length: 0\r\n\r\n'],
    // With all that a 101 would have.
    [200, `HTTP/1.1 200 OK\r\n${good.map((line) => `${line}\r\n`).join('')}Content-Length: 5\r\n\r\nplain`],
  ]
  for (const [status, said] of cases) {
    const stage = await startSpied(t, { answer: () => said })
    const lines = handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` })
    const answer = await sendRaw(stage.port, requestBytes(lines, smuggled), { quietMs: 4000 })
    assert.deepEqual([answer.status, answer.closed], [status, true], said)
    assert.match(answer.text, /\r\nConnection: close\r\n/)
    assert.equal(/plain/.test(said), /plain/.test(answer.text))
    assert.equal(answer.text.split('HTTP/1.1').length, 2)
    assert.doesNotMatch(answer.text, /\r\nUpgrade:/i)
    assert.equal(/Sec-WebSocket-Version: 13/.test(said), /Sec-WebSocket-Version: 13/.test(answer.text))
    assert.equal(stage.spy.requests.length, 1)
    assert.doesNotMatch(stage.spy.bytes(), /smuggled/)
  }
})

test('WS-5: another version goes to the upstream, its refusal comes back, and a 101 to it is none', async (t) => {
  for (const version of ['0', '8', '99', '777']) {
    let agrees = false
    const stage = await startSpied(t, {
      answer: () =>
        agrees
          ? switchingHead()
          : 'HTTP/1.1 426 Upgrade Required\r\nSec-WebSocket-Version: 13\r\nContent-Length: 0\r\n\r\n',
    })
    const request = requestBytes(
      handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}`, 'Sec-WebSocket-Version': version }),
    )
    assert.equal((await sendRaw(stage.port, request, { quietMs: 4000 })).status, 426)
    assert.deepEqual(stage.spy.requests[0]?.values('sec-websocket-version'), [version])
    assert.deepEqual(stage.spy.requests[0]?.values('upgrade'), ['websocket'])
    agrees = true
    assert.equal((await sendRaw(stage.port, request, { quietMs: 4000 })).status, 502)
  }
})

test('WS-3, CVE-2026-1527: whatever else the client would speak, the upstream is asked for WebSocket', async (t) => {
  const stage = await startSpied(t, { answer: () => switchingHead() })
  const lines = handshakeLines('/orders/feed', {
    Authorization: `Bearer ${stage.token()}`,
    Upgrade: 'h2c, WebSocket, foo/1',
    Connection: 'keep-alive, Upgrade, HTTP2-Settings, X-Hop',
    'HTTP2-Settings': 'AAMAAABk',
    'X-Hop': '1',
    'Sec-WebSocket-Extensions': 'permessage-deflate; client_max_window_bits',
  })
  const client = await converse(t, stage.port)
  client.say(requestBytes(lines))
  await client.hear('the 101', (text) => text.endsWith('\r\n\r\n'))
  const [request] = stage.spy.requests
  assert.deepEqual(
    ['upgrade', 'connection', 'http2-settings', 'x-hop', 'sec-websocket-extensions'].map((name) =>
      request?.values(name),
    ),
    [['websocket'], ['upgrade'], [], [], ['permessage-deflate; client_max_window_bits']],
  )
})

test('WS-6, HS-1: the 101 carries what the upstream says to the client, and nothing that is for one hop', async (t) => {
  const lines = [
    'Sec-WebSocket-Protocol: chat',
    'Sec-WebSocket-Extensions: permessage-deflate',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Keep-Alive: timeout=5',
    'Proxy-Authenticate: Basic',
    'Content-Length: 0',
    'X-Request-Id: of the upstream',
  ]
  const stage = await startSpied(t, { answer: () => switchingHead(lines) })
  const client = await converse(t, stage.port)
  const asked = { Authorization: `Bearer ${stage.token()}`, 'Sec-WebSocket-Protocol': 'superchat, chat' }
  client.say(requestBytes(handshakeLines('/orders/feed', asked)))
  const text = await client.hear('the 101', (all) => all.endsWith('\r\n\r\n'))
  const [first, ...fields] = text.trimEnd().split('\r\n')
  assert.equal(first, 'HTTP/1.1 101 Switching Protocols')
  const [id, ...others] = fields.sort().reverse()
  assert.match(id ?? '', /^X-Request-Id: [0-9a-f-]{36}$/)
  assert.deepEqual(others.reverse(), [
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(sampleKey)}`,
    'Sec-WebSocket-Extensions: permessage-deflate',
    'Sec-WebSocket-Protocol: chat',
    'Set-Cookie: a=1',
    'Set-Cookie: b=2',
    'Upgrade: websocket',
  ])
})

test('WS-7: what is sent ahead waits for the 101, and then goes on in order before what comes later', async (t) => {
  let switchNow = (): void => undefined
  let heard = ''
  const stage = await startSpied(t, {
    answer: (_, socket) => {
      switchNow = () => {
        socket.on('data', (chunk) => {
          heard += chunk
        })
        socket.write(switchingHead())
      }
      return undefined
    },
  })
  const client = await converse(t, stage.port)
  const head = requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` }))
  const frames = [frame(1, 'glued'), frame(1, 'soon'), frame(1, 'later')] as const
  client.say(Buffer.concat([head, frames[0]]))
  await eventually('the handshake is there', () => stage.spy.requests.length === 1)
  client.say(frames[1])
  // A word on another connection takes a whole turn: had these gone on, they would be there now.
  await sendRaw(stage.port, requestBytes(['GET /elsewhere HTTP/1.1', 'Host: a', 'Connection: close']))
  assert.ok(stage.spy.bytes().endsWith('\r\n\r\n'))
  switchNow()
  await client.hear('the 101', (text) => text.endsWith('\r\n\r\n'))
  client.say(frames[2])
  const all = Buffer.concat(frames).toString('latin1')
  await eventually('all frames are there', () => heard.length >= all.length)
  assert.equal(heard, all)
})

test('WS-6: what the upstream says in one packet with its 101 comes behind it', async (t) => {
  const greeting = frame(1, 'welcome', { masked: false })
  const stage = await startSpied(t, { answer: () => Buffer.concat([Buffer.from(switchingHead()), greeting]) })
  const client = await converse(t, stage.port)
  client.say(requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` })))
  const text = await client.hear('the greeting', (all) => all.endsWith('welcome'))
  assert.ok(text.endsWith(`\r\n\r\n${greeting.toString('latin1')}`))
})

test('a handshake and its answer may come an octet at a time', async (t) => {
  let heard = ''
  const stage = await startSpied(t, {
    answer: (_, socket) => {
      socket.on('data', (chunk) => {
        heard += chunk
      })
      const said = Buffer.from(switchingHead())
      const next = (at: number): void => {
        if (at < said.length) socket.write(said.subarray(at, at + 1), () => setImmediate(next, at + 1))
      }
      next(0)
      return undefined
    },
  })
  const client = await converse(t, stage.port)
  const said = requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` }))
  for (const octet of said) {
    client.say(Buffer.of(octet))
    await new Promise(setImmediate)
  }
  const text = await client.hear('the 101', (all) => all.endsWith('\r\n\r\n'))
  assert.match(text, /^HTTP\/1\.1 101 /)
  const hello = frame(1, 'hello')
  client.say(hello)
  await eventually('the tunnel is open', () => heard.endsWith(hello.toString('latin1')))
})

test('WS-1, pool limits: open tunnels take no connection from the pool', async (t) => {
  const stage = await startSpied(t, { answer: () => switchingHead(), entry: { pool: { connections: 1, queue: 0 } } })
  for (let i = 0; i < 4; i++) {
    const client = await converse(t, stage.port)
    client.say(requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` })))
    await client.hear('the 101', (all) => all.endsWith('\r\n\r\n'))
  }
  assert.equal(stage.spy.connections(), 4)
})

test('an upstream that does not answer a handshake is 504, one that is not there 502', async (t) => {
  const silent = await startSpied(t, { answer: () => undefined, entry: { timeouts: { response: '300ms' } } })
  const request = (token: string) => requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${token}` }))
  const late = await sendRaw(silent.port, request(silent.token()), { quietMs: 6000 })
  assert.deepEqual([late.status, reasonOf(late)], [504, 'upstream_timeout'])
  const broken = await startSpied(t, {
    answer: (_, socket) => {
      socket.resetAndDestroy()
      return undefined
    },
  })
  const none = await sendRaw(broken.port, request(broken.token()), { quietMs: 4000 })
  assert.deepEqual([none.status, reasonOf(none)], [502, 'upstream_invalid'])
})
