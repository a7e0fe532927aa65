import assert from 'node:assert/strict'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { isHandshake, takeUpgrades, type Upgraded } from '../../src/http/upgrade.ts'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { handshakeLines } from '../support/websocket.ts'

interface Taken {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly upgraded: Upgraded
}

/** A server that answers requests with `plain`, and does with a handshake what the test says. */
const start = async (t: TestContext, take: (taken: Taken) => void = () => undefined) => {
  const taken: Taken[] = []
  const held: ServerResponse[] = []
  const given = new Set<Socket>()
  const server = createServer({ shouldUpgradeCallback: isHandshake }, (request, response) => {
    if (request.url === '/held') held.push(response)
    else response.end('plain')
  })
  takeUpgrades(server, given, (request, response, upgraded) => {
    taken.push({ request, response, upgraded })
    take({ request, response, upgraded })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    for (const socket of given) socket.destroy()
    server.close()
  })
  return { taken, held, given, port: (server.address() as AddressInfo).port }
}

const lines = handshakeLines('/')
const handshake = requestBytes(lines)
const says = (status: number, body: string) => (text: string) =>
  text.startsWith(`HTTP/1.1 ${status} `) && text.endsWith(body)

test('WS-2, WS-4: a WebSocket handshake is taken, everything else is an ordinary request', async (t) => {
  const stage = await start(t, ({ response }) => {
    response.end('taken')
  })
  const replaced = (fields: Readonly<Record<string, string | undefined>>) => handshakeLines('/', fields)
  const cases: readonly (readonly [what: string, taken: boolean, lines: readonly string[], content?: string])[] = [
    ['as it should be', true, lines],
    ['another case', true, replaced({ Connection: 'keep-alive, UPGRADE', Upgrade: 'WebSocket' })],
    ['a list with it', true, replaced({ Upgrade: 'h2c, websocket' })],
    ['two Upgrade lines', true, [...replaced({ Upgrade: 'h2c' }), 'Upgrade: websocket']],
    ['a length of nothing', true, replaced({ 'Content-Length': '0' })],
    ['without a key, which is for later', true, replaced({ 'Sec-WebSocket-Key': undefined })],
    ['WS-3: h2c', false, replaced({ Upgrade: 'h2c', Connection: 'Upgrade, HTTP2-Settings' })],
    ['an unknown protocol', false, replaced({ Upgrade: 'foo' })],
    ['with a version', false, replaced({ Upgrade: 'websocket/13' })],
    ['a name that begins alike', false, replaced({ Upgrade: 'websockets' })],
    ['no Upgrade', false, replaced({ Upgrade: undefined })],
    ['no Connection', false, replaced({ Connection: undefined })],
    ['Connection names something else', false, replaced({ Connection: 'x-upgrade' })],
    ['HTTP/1.0', false, ['GET / HTTP/1.0', ...lines.slice(1)]],
    ['POST', false, ['POST / HTTP/1.1', ...lines.slice(1), 'Content-Length: 2'], 'ab'],
    ['POST without content', false, ['POST / HTTP/1.1', ...lines.slice(1), 'Content-Length: 0']],
    ['HEAD', false, ['HEAD / HTTP/1.1', ...lines.slice(1)]],
    ['a length', false, replaced({ 'Content-Length': '2' }), 'ab'],
    ['chunked', false, replaced({ 'Transfer-Encoding': 'chunked' }), '2\r\nab\r\n0\r\n\r\n'],
    ['an expectation', false, replaced({ Expect: '100-continue' })],
  ]
  for (const [what, expected, head, content] of cases) {
    const before = stage.taken.length
    const answered = (text: string): boolean => / 200 OK\r\n[\s\S]*\r\n\r\n/.test(text)
    const { text } = await sendRaw(stage.port, requestBytes(head, content), { until: answered, quietMs: 4000 })
    assert.ok(answered(text), what)
    assert.equal(stage.taken.length - before, expected ? 1 : 0, what)
  }
})

test('H1-28: an answer to a handshake ends the connection, and what was sent behind it is no request', async (t) => {
  const stage = await start(t, ({ response }) => {
    response.end('refused')
  })
  const behind = requestBytes(['GET /behind HTTP/1.1', 'Host: a'])
  for (const glued of [Buffer.alloc(0), behind, Buffer.alloc(200_000, behind)]) {
    const { text, closed } = await sendRaw(stage.port, Buffer.concat([handshake, glued]), { quietMs: 4000 })
    assert.ok(closed)
    assert.match(text, /^HTTP\/1\.1 200 OK\r\n/)
    assert.match(text, /\r\nConnection: close\r\n/)
    assert.equal(text.split('HTTP/1.1').length, 2)
    assert.doesNotMatch(text, /plain/)
  }
  const client = await converse(t, stage.port)
  client.say(Buffer.concat([handshake, Buffer.alloc(5_000_000, behind)]))
  await eventually('nothing is left of them', () => stage.taken.length === 4 && stage.given.size === 0)
  assert.match(await client.end(), /refused/)
  assert.ok(!client.reset())
})

test('a long answer to a handshake arrives whole, as fast as it is read', async (t) => {
  const size = 20_000_000
  let drained = 0
  const stage = await start(t, ({ response }) => {
    response.on('drain', () => drained++)
    response.write(Buffer.alloc(size - 3, 'a'))
    response.once('drain', () => response.end('end'))
  })
  const client = await converse(t, stage.port)
  client.say(handshake)
  const text = await client.end()
  assert.equal(
    text
      .slice(text.indexOf('\r\n\r\n') + 4)
      .replace(/\r\n[0-9a-f]+\r\n|^[0-9a-f]+\r\n/g, '')
      .match(/a/g)?.length,
    size - 3,
  )
  assert.match(text, /end\r\n0\r\n\r\n$/)
  assert.ok(drained > 0)
})

test('the response to a handshake is closed once, when it is finished', async (t) => {
  let closes = 0
  let finished: boolean | undefined
  const stage = await start(t, ({ response }) => {
    response.on('close', () => {
      closes++
      finished = response.writableFinished
    })
    response.end('x')
  })
  const client = await converse(t, stage.port)
  client.say(handshake)
  await client.end()
  client.socket.destroy()
  await eventually('the connection is closed', () => stage.given.size === 0)
  assert.deepEqual([closes, finished], [1, true])
})

test('HS-27: a client that leaves before it is answered closes the response', async (t) => {
  for (const leave of ['end', 'reset', 'reset after octets ahead'] as const) {
    let closed = false
    const stage = await start(t, ({ response }) => {
      response.on('close', () => {
        closed = true
      })
    })
    const client = await converse(t, stage.port)
    client.say(handshake)
    await eventually('it is taken', () => stage.taken.length === 1)
    if (leave === 'reset after octets ahead') client.say('ahead')
    if (leave === 'end') client.socket.end()
    else client.socket.resetAndDestroy()
    await eventually(`${leave}: the response is closed`, () => closed)
    assert.equal(stage.taken[0]?.response.writableFinished, false)
    await eventually('nothing is left', () => stage.given.size === 0)
  }
})

test('WS-7: what is sent ahead is neither lost nor held without bound', async (t) => {
  const stage = await start(t)
  const client = await converse(t, stage.port)
  const ahead = Buffer.alloc(30_000_000, 'x')
  client.say(Buffer.concat([handshake, Buffer.from('head')]))
  await eventually('it is taken', () => stage.taken.length === 1)
  const upgraded = stage.taken[0]?.upgraded
  assert.ok(upgraded)
  client.say(ahead)
  await eventually('the buffer is full', () => upgraded.socket.readableLength > 0)
  let before = -1
  await eventually('no more is read', async () => {
    await new Promise((resolve) => setTimeout(resolve, 50))
    const same = before === upgraded.socket.bytesRead
    before = upgraded.socket.bytesRead
    return same
  })
  assert.ok(upgraded.socket.readableLength <= 256 * 1024, `${upgraded.socket.readableLength}`)
  upgraded.take()
  let read = upgraded.head.length
  upgraded.socket.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  await eventually('all of it comes', () => read === ahead.length + 4, 10_000)
})

test('whoever takes the connection over is alone on it', async (t) => {
  const stage = await start(t)
  const client = await converse(t, stage.port)
  client.say(handshake)
  await eventually('it is taken', () => stage.taken.length === 1)
  const [taken] = stage.taken
  assert.ok(taken)
  let closes = 0
  taken.response.on('close', () => closes++)
  taken.upgraded.take()
  const { socket } = taken.upgraded
  assert.deepEqual([socket.listenerCount('drain'), socket.listenerCount('error'), taken.response.socket], [0, 0, null])
  socket.write('and now something else')
  await client.hear('it', (text) => text === 'and now something else')
  client.socket.end()
  await eventually('the end', () => socket.readableEnded || socket.resume().readableEnded)
  assert.ok(socket.writable)
  assert.ok(stage.given.has(socket))
  socket.destroy()
  await eventually('it is forgotten', () => stage.given.size === 0)
  assert.equal(closes, 0)
})

test('H1-28: behind an answer that is still owed a handshake waits for its turn, and is an ordinary request', async (t) => {
  const stage = await start(t)
  const client = await converse(t, stage.port)
  client.say(Buffer.concat([requestBytes(['GET /held HTTP/1.1', 'Host: a']), handshake]))
  await eventually('the first is there', () => stage.held.length === 1)
  assert.equal(stage.taken.length, 0)
  stage.held[0]?.end('first')
  const text = await client.hear('both answers', (all) => all.includes('plain'))
  assert.ok(text.indexOf('first') < text.indexOf('plain'))
  assert.equal(stage.taken.length, 0)
})

test('a handshake after an answer, on the same connection, is taken', async (t) => {
  const stage = await start(t, ({ response }) => {
    response.end('taken')
  })
  const client = await converse(t, stage.port)
  client.say(requestBytes(['GET / HTTP/1.1', 'Host: a']))
  await client.hear('the answer', says(200, 'plain'))
  client.say(handshake)
  await client.hear('the next', (text) => text.includes('taken'))
  assert.equal(stage.taken.length, 1)
})
