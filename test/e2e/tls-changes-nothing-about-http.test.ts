// The listener with TLS is the one without: these are the cases of its tests that meet Node's own seams.
import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { loggedRequests } from '../support/logged.ts'
import { requestBytes } from '../support/raw-http.ts'
import { type SpyAnswer, startSpied } from '../support/spy.ts'
import { startOverTls, type TlsStage } from '../support/tls-stage.ts'

const get = ({ authorization }: TlsStage, path: string, ...lines: readonly string[]): Buffer =>
  requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: gw.test', authorization, ...lines])

const statuses = (text: string): number[] =>
  [...text.matchAll(/HTTP\/1\.1 (\d{3}) /g)].map(([, status]) => Number(status))

/** `/slow` is answered by the test. */
const hold = (): { readonly held: Socket[]; readonly answer: SpyAnswer } => {
  const held: Socket[] = []
  return {
    held,
    answer: ({ line }, socket) => {
      if (!line.includes('/slow')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      held.push(socket)
      return undefined
    },
  }
}

test('FW-1, FW-7: it came over https, so `require_https` is met and the upstream is told', async (t) => {
  const stage = await startOverTls(t, {}, { listen: { require_https: true } })
  assert.match(await stage.ask({}, ['X-Forwarded-Proto: http']), /^HTTP\/1\.1 200 /)
  const seen = stage.spy.requests.at(-1)
  assert.deepEqual(seen?.values('x-forwarded-proto'), ['https'])
  assert.deepEqual(seen?.values('forwarded'), ['for=127.0.0.1;host="gw.test";proto=https'])
  const plain = await startSpied(t, { listen: { require_https: true } })
  const response = await fetch(`${plain.url}/orders/1`, { headers: { Authorization: `Bearer ${plain.token()}` } })
  assert.ok(response.status >= 400)
})

test('a connection is used again, also for requests sent ahead', async (t) => {
  const stage = await startOverTls(t)
  const client = await stage.converse()
  client.say(Buffer.concat([get(stage, '1'), requestBytes(['GET /orders/2 HTTP/1.1', 'Host: a']), get(stage, '3')]))
  await client.hear('three answers', (text) => statuses(text).length === 3 && text.endsWith('ok'))
  client.say(get(stage, '4', 'Connection: close'))
  assert.deepEqual(statuses(await client.end()), [200, 401, 200, 200])
})

test('H1-25: a head or content that does not come in time is 408, slow content that keeps coming is not', async (t) => {
  const stage = await startOverTls(t, {}, { listen: { timeouts: { header: '300ms', body_idle: '300ms' } } })
  const put = (length: number): Buffer =>
    requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, `Content-Length: ${length}`])
  const head = async (): Promise<void> => {
    const client = await stage.converse()
    client.say('GET /orders/1 HTTP/1.1\r\nX: ')
    const drip = setInterval(() => client.closed() || client.say('a'), 50)
    const text = await client.end()
    clearInterval(drip)
    assert.match(text, /^HTTP\/1\.1 408 [\s\S]*"reason":"request_timeout"/)
  }
  const stalled = async (): Promise<void> => {
    const client = await stage.converse()
    client.say(Buffer.concat([put(1000), Buffer.from('hello')]))
    assert.match(await client.end(), /^HTTP\/1\.1 408 [\s\S]*"reason":"request_timeout"/)
  }
  const slow = async (): Promise<void> => {
    const client = await stage.converse()
    client.say(put(20))
    let sent = 0
    const drip = setInterval(() => {
      client.say('x')
      if (++sent === 20) clearInterval(drip)
    }, 50)
    t.after(() => clearInterval(drip))
    await client.hear('the answer', (text) => text.endsWith('ok'))
  }
  await Promise.all([head(), stalled(), slow()])
  assert.deepEqual(
    stage.spy.requests.map(({ body }) => body),
    ['x'.repeat(20)],
  )
})

test('H1-1, 2.6 row 4: what is no HTTP is one refusal and one record; a handshake that fails is neither', async (t) => {
  const stage = await startOverTls(t)
  const client = await stage.converse()
  client.say('GET /orders/1 HTTP/1.1\r\nHost: a\r\nBad Name: x\r\n\r\n')
  assert.match(await client.end(), /^HTTP\/1\.1 400 [\s\S]*"reason":"request_malformed"/)
  await assert.rejects(fetch(`http://127.0.0.1:${stage.port}/orders/1`))
  assert.match(await stage.ask({}), /^HTTP\/1\.1 200 /)
  const records = await loggedRequests(stage, 2)
  assert.deepEqual(
    records.map(({ status }) => status),
    [400, 200],
  )
})

test('H1-19: a fault behind a whole request does not overtake its answer', async (t) => {
  const { held, answer } = hold()
  const stage = await startOverTls(t, {}, { answer })
  const client = await stage.converse()
  client.say(get(stage, 'slow'))
  await eventually('the request is there', () => held.length === 1)
  client.say(Buffer.concat([Buffer.from('garbage\r\n\r\n'), get(stage, 'behind')]))
  await stage.ask({})
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  assert.deepEqual(statuses(await client.end()), [200])
  assert.doesNotMatch(stage.spy.bytes(), /behind/)
})

test('H1-28: CONNECT is refused, ends the connection behind what is owed, and leaks nothing', async (t) => {
  const { held, answer } = hold()
  const stage = await startOverTls(t, {}, { answer })
  const connect = requestBytes(['CONNECT a:80 HTTP/1.1', 'Host: a'])
  const alone = await stage.converse()
  alone.say(Buffer.concat([connect, get(stage, 'behind')]))
  assert.deepEqual(statuses(await alone.end()), [501])
  const owed = await stage.converse()
  owed.say(Buffer.concat([get(stage, 'slow'), connect, get(stage, 'behind')]))
  await eventually('the request is there', () => held.length === 1)
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  assert.deepEqual(statuses(await owed.end()), [200])
  const gone = await stage.converse()
  gone.say(Buffer.concat([get(stage, 'slow'), connect]))
  await eventually('the request is there', () => held.length === 2)
  gone.socket.destroy()
  await eventually('the upstream request ends', () => held[1]?.destroyed === true)
  assert.doesNotMatch(stage.spy.bytes(), /behind/)
})

test('H1-28, RFC 9931: an upgrade that is not taken leaves no tunnel', async (t) => {
  const stage = await startOverTls(t, {}, { entry: { websocket: false } })
  const client = await stage.converse()
  const upgrade = get(stage, '1', 'Connection: Upgrade', 'Upgrade: websocket', 'Sec-WebSocket-Version: 13')
  client.say(Buffer.concat([upgrade, get(stage, 'behind')]))
  assert.deepEqual(statuses(await client.end()), [200])
  assert.doesNotMatch(stage.spy.bytes(), /behind/)
})

test('HS-10: content is asked for after the decision only', async (t) => {
  const stage = await startOverTls(t)
  for (const [line, first] of [
    [stage.authorization, 100],
    ['X-None: 1', 401],
  ] as const) {
    const client = await stage.converse()
    client.say(requestBytes(['PUT /orders/1 HTTP/1.1', 'Host: a', line, 'Expect: 100-continue', 'Content-Length: 5']))
    await client.hear('the first answer', (text) => text.includes('\r\n\r\n'))
    assert.equal(statuses(client.text())[0], first)
    if (first !== 100) continue
    client.say('hello')
    await client.hear('the answer', (text) => text.endsWith('ok'))
    assert.equal(stage.spy.requests.at(-1)?.body, 'hello')
  }
})

test('HS-27: megabytes go through both ways, octet for octet, and a client that leaves ends the exchange', async (t) => {
  const size = 2_000_000
  const content = Buffer.alloc(size, 'audgate-')
  const { held, answer } = hold()
  const stage = await startOverTls(
    t,
    {},
    {
      answer: (request, socket) =>
        request.line.includes('/big')
          ? Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`), content])
          : answer(request, socket),
    },
  )
  const client = await stage.converse()
  const lines = ['PUT /orders/big HTTP/1.1', 'Host: a', stage.authorization, `Content-Length: ${size}`]
  client.say(Buffer.concat([requestBytes([...lines, 'Connection: close']), content]))
  const text = await client.end()
  assert.ok(text.slice(text.indexOf('\r\n\r\n') + 4) === content.toString('latin1'))
  assert.ok(stage.spy.requests.at(-1)?.body === content.toString('latin1'))
  const gone = await stage.converse()
  gone.say(get(stage, 'slow'))
  await eventually('the request is there', () => held.length === 1)
  gone.socket.destroy()
  await eventually('the upstream request ends', () => held[0]?.destroyed === true)
})

test('H1-21, H1-22: a client of HTTP/1.0, which knows the end by the close alone, sees a reset', async (t) => {
  const stage = await startOverTls(
    t,
    {},
    {
      answer: (_request, socket) => {
        socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', () => socket.end())
        return undefined
      },
    },
  )
  const client = await stage.converse()
  client.say(requestBytes(['GET /orders/1 HTTP/1.0', 'Host: a', stage.authorization]))
  await client.end()
  assert.ok(client.reset(), client.text())
})

test('OP-3: closing ends idle connections, lets what is in flight finish, and cuts the rest after `drain`', async (t) => {
  const { held, answer } = hold()
  const stage = await startOverTls(t, {}, { answer })
  const [idle, busy] = [await stage.converse(), await stage.converse()]
  idle.say(get(stage, '1'))
  await idle.hear('an answer', (text) => text.endsWith('ok'))
  busy.say(get(stage, 'slow'))
  await eventually('it is upstream', () => held.length === 1)
  const closed = stage.gateway.close(0)
  await idle.end()
  assert.ok(!busy.closed())
  held[0]?.write('HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok')
  assert.match(await busy.end(), /\r\nConnection: close\r\n[\s\S]*ok$/)
  assert.equal(await closed, 0)

  const impatient = await startOverTls(t, {}, { answer, listen: { timeouts: { drain: '100ms' } } })
  const cut = await impatient.converse()
  cut.say(get(impatient, 'slow'))
  await eventually('it is upstream', () => held.length === 2)
  assert.equal(await impatient.gateway.close(0), 1)
  await cut.end()
})
