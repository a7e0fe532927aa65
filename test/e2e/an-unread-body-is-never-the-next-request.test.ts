import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { type SpiedStage, startSpied } from '../support/spy.ts'
import { startRawUpstream } from '../support/upstream.ts'

const start = (t: Parameters<typeof startSpied>[0]): Promise<SpiedStage> =>
  startSpied(t, { entry: { routes: { 'POST /closed': 'deny', '/**': 'authenticated' } } })

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

const hidden = ({ authorization }: SpiedStage): string =>
  `GET /orders/hidden HTTP/1.1\r\nHost: a\r\n${authorization}\r\n\r\n`

test('H1-19: content of a refused request that looks like a request is not one, by length and in chunks', async (t) => {
  const stage = await start(t)
  const inside = hidden(stage)
  const behind = `GET /orders/behind HTTP/1.1\r\nHost: a\r\n${stage.authorization}\r\nConnection: close\r\n\r\n`
  for (const [first, line, refused] of [
    ['POST /orders/1', 'Authorization: Bearer bad', 401],
    ['POST /orders/1', 'X-None: 1', 401],
    ['POST /orders/1', `Authorization: Bearer ${stage.token({ aud: 'https://api.test/other' })}`, 401],
    ['POST /orders/closed', stage.authorization, 403],
    ['POST /elsewhere', stage.authorization, 404],
    ['GET /orders/1', 'Authorization: Bearer', 400],
  ] as const) {
    for (const [framing, content] of [
      [`Content-Length: ${inside.length}`, inside],
      ['Transfer-Encoding: chunked', `${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`],
    ] as const) {
      for (const cut of [undefined, 0, 3]) {
        const client = await converse(t, stage.port)
        const head = requestBytes([`${first} HTTP/1.1`, 'Host: a', line, framing])
        if (cut === undefined) client.say(Buffer.concat([head, Buffer.from(content + behind)]))
        else {
          client.say(Buffer.concat([head, Buffer.from(content.slice(0, cut))]))
          await client.hear('the refusal', (text) => text.includes('}'))
          client.say(content.slice(cut) + behind)
        }
        const text = await client.end()
        const [status, ...more] = statuses(text)
        assert.equal(status, refused, text)
        // Either the rest was read and the next request answered, or the connection ended.
        assert.ok(more.length === 0 || (more.length === 1 && more[0] === 200), `${more}`)
      }
    }
  }
  assert.ok(stage.spy.requests.every(({ line }) => line.includes('/behind')))
  assert.doesNotMatch(stage.spy.bytes(), /hidden/)
})

test('H1-19: a short rest is read, and the connection goes on', async (t) => {
  const stage = await start(t)
  const { text } = await sendRaw(
    stage.port,
    Buffer.concat([
      requestBytes(['POST /orders/1 HTTP/1.1', 'Host: a', 'Content-Length: 5'], 'hello'),
      requestBytes(['GET /orders/2 HTTP/1.1', 'Host: a', stage.authorization, 'Connection: close']),
    ]),
    { quietMs: 5000 },
  )
  assert.deepEqual(statuses(text), [401, 200])
})

test('H1-19, 2.6 row 7: of a gigabyte that nobody asked for almost nothing is read before the connection ends', async (t) => {
  const stage = await start(t)
  for (const framing of ['Content-Length: 1073741824', 'Transfer-Encoding: chunked']) {
    const client = await converse(t, stage.port)
    client.say(requestBytes(['POST /orders/1 HTTP/1.1', 'Host: a', framing]))
    const piece = Buffer.alloc(64 * 1024, 0x61)
    const chunk = Buffer.concat([Buffer.from('10000\r\n'), piece, Buffer.from('\r\n')])
    const pour = (): void => {
      while (!client.closed() && client.socket.write(framing.startsWith('T') ? chunk : piece)) {}
    }
    client.socket.on('drain', pour)
    pour()
    await client.hear('the refusal while sending', (text) => /"reason":"token_missing".*}/.test(text))
    await eventually('the connection ends', client.closed)
    assert.ok(client.socket.bytesWritten < 64 * 1024 * 1024, `${client.socket.bytesWritten}`)
    assert.match(client.text(), /\r\nConnection: close\r\n/)
  }
  assert.equal(stage.spy.connections(), 0)
})

test('H1-19: when the upstream answers before it has read the content, the connection ends after the answer', async (t) => {
  for (const framing of ['length', 'chunked'] as const) {
    let answered = false
    const stage = await startSpied(t)
    let seen = ''
    const upstream = await startRawUpstream(t, (socket) =>
      socket.on('data', (part) => {
        seen += part.toString('latin1')
        if (!answered) socket.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
        answered = true
      }),
    )
    const front = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
    const client = await converse(t, front.port)
    const inside = hidden(stage)
    client.say(
      requestBytes([
        'POST /orders/1 HTTP/1.1',
        'Host: a',
        `Authorization: Bearer ${front.token()}`,
        framing === 'length' ? `Content-Length: ${inside.length + 4}` : 'Transfer-Encoding: chunked',
      ]),
    )
    client.say(framing === 'length' ? 'abcd' : '4\r\nabcd\r\n')
    await client.hear('the answer', (text) => text.endsWith('ok'))
    client.say(framing === 'length' ? inside : `${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n`)
    client.say(`GET /orders/behind HTTP/1.1\r\nHost: a\r\nAuthorization: Bearer ${front.token()}\r\n\r\n`)
    const text = await client.end()
    assert.deepEqual(statuses(text), [200])
    assert.doesNotMatch(seen, /\/behind/)
    assert.equal(seen.match(/^(?:GET|POST) /gm)?.length, 1 + (seen.includes('/hidden') ? 1 : 0))
  }
})

test('two requests in one segment are two requests, each with its own verdict', async (t) => {
  const stage = await start(t)
  const { text } = await sendRaw(
    stage.port,
    Buffer.concat([
      requestBytes(['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Content-Length: 0']),
      requestBytes(['GET /orders/bare HTTP/1.1', 'Host: a']),
      requestBytes(['GET /orders/3 HTTP/1.1', 'Host: a', stage.authorization, 'Connection: close']),
      requestBytes(['GET /orders/after HTTP/1.1', 'Host: a', stage.authorization]),
    ]),
    { quietMs: 5000 },
  )
  assert.deepEqual(statuses(text), [200, 401, 200])
  assert.deepEqual(stage.spy.requests.map(({ line }) => line.split(' ')[1]).sort(), ['/1', '/3'])
})

test('a fault behind a whole request does not overtake its answer, begun or not, and ends the connection', async (t) => {
  for (const begun of [false, true]) {
    let behind: Socket | undefined
    const stage = await startSpied(t, {
      answer: (_request, socket) => {
        behind = socket
        return begun ? 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\no' : undefined
      },
    })
    const client = await converse(t, stage.port)
    client.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
    await eventually('the request is there', () => behind !== undefined)
    if (begun) await client.hear('the first byte', (text) => text.endsWith('\r\n\r\no'))
    client.say('garbage\r\n\r\n')
    client.say(requestBytes(['GET /orders/behind HTTP/1.1', 'Host: a', stage.authorization]))
    // Its own answer shows that what was said before has been read.
    await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a']), {
      until: (text) => text.includes('}'),
    })
    behind?.write(begun ? 'k' : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
    const text = await client.end()
    assert.deepEqual(statuses(text), [200])
    assert.ok(text.endsWith('\r\n\r\nok'))
    assert.doesNotMatch(stage.spy.bytes(), /\/behind/)
  }
})

test('H1-28: a CONNECT behind a whole request does not overtake its answer either', async (t) => {
  const stage = await startSpied(t)
  const { text, closed } = await sendRaw(
    stage.port,
    Buffer.concat([
      requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]),
      requestBytes(['CONNECT gw.test:80 HTTP/1.1', 'Host: gw.test']),
      requestBytes(['GET /orders/behind HTTP/1.1', 'Host: a', stage.authorization]),
    ]),
    { quietMs: 3000 },
  )
  assert.ok(closed)
  assert.deepEqual(statuses(text), [200])
  assert.equal(stage.spy.requests.length, 1)
})

test('H1-27: content of GET and DELETE goes on with its exact framing', async (t) => {
  const stage = await start(t)
  const inside = hidden(stage)
  for (const method of ['GET', 'DELETE', 'OPTIONS']) {
    for (const framing of [`Content-Length: ${inside.length}`, 'Transfer-Encoding: chunked']) {
      const content = framing.startsWith('T') ? `${inside.length.toString(16)}\r\n${inside}\r\n0\r\n\r\n` : inside
      const { status } = await sendRaw(
        stage.port,
        requestBytes(
          [`${method} /orders/1 HTTP/1.1`, 'Host: a', stage.authorization, framing, 'Connection: close'],
          content,
        ),
        { quietMs: 5000 },
      )
      assert.equal(status, 200, `${method} ${framing}`)
      assert.equal(stage.spy.requests.at(-1)?.body, inside)
    }
  }
  assert.equal(stage.spy.requests.length, 6)
})
