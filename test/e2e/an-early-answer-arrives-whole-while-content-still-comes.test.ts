import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { connect, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Conversation, conversationOn, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { loggedRequests } from '../support/logged.ts'
import { type OrdersStage, startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startRawUpstream } from '../support/upstream.ts'

const framings = ['Content-Length: 1073741824', 'Transfer-Encoding: chunked'] as const
const piece = Buffer.alloc(64 * 1024, 0x61)
const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])

interface EarlyStage extends OrdersStage {
  /** What came over all connections of the upstream, heads only. */
  readonly heads: string[]
}

/** An upstream that speaks as soon as a request with content begins, and reads nothing more of it. */
const start = async (t: TestContext, speak: (socket: Socket) => void, listen = {}): Promise<EarlyStage> => {
  const heads: string[] = []
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once('data', (first) => {
      const text = first.toString('latin1')
      heads.push(text.slice(0, text.indexOf('\r\n')))
      if (text.startsWith('GET ')) return void socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
      socket.pause()
      speak(socket)
      return undefined
    })
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] }, listen })
  return { ...stage, heads }
}

const request = (stage: EarlyStage, method: string, ...lines: readonly string[]): Buffer =>
  requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: a', `Authorization: Bearer ${stage.token()}`, ...lines])

/** Sends content for as long as anybody takes it. */
const pour = ({ socket, closed }: Conversation, framing: string): void => {
  const on = (): void => {
    while (!closed() && socket.writable && socket.write(framing.startsWith('T') ? chunk : piece)) {}
  }
  socket.on('drain', on)
  on()
}

const contentOf = (text: string): string => text.slice(text.indexOf('\r\n\r\n') + 4)

test('H1-19: an answer of any size arrives whole at a client that goes on sending and reads slowly', async (t) => {
  for (const framing of framings) {
    for (const size of [5, 20_000, 3_000_000]) {
      const stage = await start(t, (socket) =>
        socket.write(`HTTP/1.1 413 Too Much\r\nContent-Length: ${size}\r\n\r\n${'x'.repeat(size)}`),
      )
      const client = await converse(t, stage.port)
      client.socket.on('data', () => {
        client.socket.pause()
        setTimeout(() => client.socket.resume(), 1)
      })
      client.say(request(stage, 'POST', framing))
      pour(client, framing)
      const text = await client.hear('all of it', (all) => contentOf(all).length >= size)
      assert.match(text, /^HTTP\/1\.1 413 Too Much\r\n[\s\S]*\r\nConnection: close\r\n/)
      assert.equal(contentOf(text), 'x'.repeat(size))
      await client.end()
      assert.equal(contentOf(client.text()).length, size, 'nothing behind it')
      const [line] = await loggedRequests(stage)
      assert.equal(line?.status, 413)
      assert.doesNotMatch(JSON.stringify(line), /broken/)
      // The upstream connection, on which half a request lies, carries no other one.
      const next = await sendRaw(stage.port, request(stage, 'GET'), { until: wholeAnswer })
      assert.equal(next.status, 200)
      assert.deepEqual(stage.heads, ['POST /1 HTTP/1.1', 'GET /1 HTTP/1.1'])
      assert.equal(stage.upstream.connections(), 2)
    }
  }
})

test('H1-19: it is over at once for a client that stays silent, with its trailers', async (t) => {
  for (const [answer, whole] of [
    [
      'HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\nX-Sum: 1\r\n\r\n',
      /no\r\n0\r\nX-Sum: 1\r\n\r\n$/,
    ],
    ['HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n', /\r\n\r\n0\r\n\r\n$/],
    ['HTTP/1.1 401 No\r\nContent-Length: 2\r\n\r\nno', /\r\n\r\nno$/],
    ['HTTP/1.1 204 None\r\nX-Obs: \xe9\r\n\r\n', /\r\nX-Obs: \xe9\r\n[\s\S]*\r\n\r\n$/],
  ] as const) {
    const stage = await start(t, (socket) => socket.write(answer, 'latin1'))
    const client = await converse(t, stage.port)
    client.say(Buffer.concat([request(stage, 'POST', 'Content-Length: 100'), Buffer.from('abc')]))
    const began = performance.now()
    const text = await client.end()
    assert.match(text, whole)
    // For twice as long the rest of the content would have been waited for.
    assert.ok(performance.now() - began < 1000, `${performance.now() - began} ms`)
  }
})

test('H1-19: what is left of the content is read when it is not much, and the connection ends in order', async (t) => {
  const rest = 150_000
  const accepted: Socket[] = []
  const accept = (message: unknown): void => {
    if (typeof message === 'object' && message && 'socket' in message && message.socket instanceof Socket) {
      accepted.push(message.socket)
    }
  }
  subscribe('net.server.socket', accept)
  t.after(() => unsubscribe('net.server.socket', accept))
  for (const [name, speak, listen] of [
    ['a short answer', 'HTTP/1.1 413 Too Much\r\nContent-Length: 2\r\n\r\nno', {}],
    ['one in chunks', 'HTTP/1.1 413 Too Much\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n', {}],
    ['a failure', undefined, {}],
    ['too much content', '', { limits: { body_size: '50000' } }],
  ] as const) {
    const stage = await start(
      t,
      (socket) => {
        if (speak === undefined) socket.destroy()
        else if (speak === '') socket.resume()
        else socket.write(speak)
      },
      listen,
    )
    // One that first says what it has to say, and takes the end of the answer for just that.
    const socket = connect({ port: stage.port, host: '127.0.0.1', allowHalfOpen: true })
    const client = conversationOn(t, socket)
    client.say(request(stage, 'POST', 'Transfer-Encoding: chunked'))
    const piece = (octets: number): string => `${octets.toString(16)}\r\n${'a'.repeat(octets)}\r\n`
    client.say(piece(20_000).repeat(5))
    await client.hear(name, (text) => /^HTTP\/1\.1 (?:413|502) [\s\S]*\r\n\r\n./.test(text))
    const ours = accepted.find(({ remotePort }) => remotePort === socket.localPort)
    for (let sent = 0; sent < rest; sent += rest / 10) {
      client.say(piece(rest / 10))
      await new Promise(setImmediate)
    }
    client.say('0\r\n\r\n')
    await client.end()
    // As soon as all has come; for what does not come it would wait longer.
    await eventually('the connection is closed', () => ours?.destroyed === true, 1000)
    assert.equal(ours?.bytesRead, socket.bytesWritten, name)
    assert.equal(client.reset(), false, name)
  }
})

test('H1-19, H1-22: to a client of HTTP/1.0 the end of the connection, which comes at once, is the end of it', async (t) => {
  const stage = await start(t, (socket) =>
    socket.write('HTTP/1.1 401 No\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nno\r\n0\r\n\r\n'),
  )
  const client = await converse(t, stage.port)
  client.say(
    requestBytes(
      ['POST /orders/1 HTTP/1.0', 'Host: a', `Authorization: Bearer ${stage.token()}`, 'Content-Length: 100'],
      'abc',
    ),
  )
  assert.match(await client.end(), /\r\n\r\nno$/)
  assert.equal(client.reset(), false)
})

test('H1-19: an upstream that fails while content comes is 502, which arrives', async (t) => {
  for (const framing of framings) {
    for (const how of ['end', 'reset', 'nonsense'] as const) {
      const stage = await start(t, (socket) => {
        if (how === 'nonsense') socket.write('SSH-2.0-x\r\n')
        else if (how === 'end') socket.destroy()
        else socket.resetAndDestroy()
      })
      const client = await converse(t, stage.port)
      client.say(request(stage, 'POST', framing))
      pour(client, framing)
      const text = await client.hear('the refusal', (all) => /"reason":"upstream_invalid".*}/.test(all))
      assert.match(text, /^HTTP\/1\.1 502 /, `${framing} ${how}`)
    }
  }
})

test('HS-22: content that grows too long is 413, which arrives', async (t) => {
  const stage = await start(t, (socket) => socket.resume(), { limits: { body_size: '1MiB' } })
  const client = await converse(t, stage.port)
  client.say(request(stage, 'POST', framings[1]))
  pour(client, framings[1])
  const text = await client.hear('the refusal', (all) => /"reason":"body_too_large".*}/.test(all))
  assert.match(text, /^HTTP\/1\.1 413 [\s\S]*\r\nConnection: close\r\n/)
  await client.end()
})

test('HS-27: a client that leaves instead of reading the early answer leaves nothing open', async (t) => {
  const stage = await start(t, (socket) =>
    socket.write(`HTTP/1.1 413 Too Much\r\nContent-Length: 40000000\r\n\r\n${'x'.repeat(40_000_000)}`),
  )
  const client = await converse(t, stage.port)
  client.socket.pause()
  client.say(request(stage, 'POST', framings[0]))
  await eventually('it is under way', async () => /^audgate_open_requests 1$/m.test(await stage.metrics()))
  client.socket.resetAndDestroy()
  await eventually('nothing is open', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
})
