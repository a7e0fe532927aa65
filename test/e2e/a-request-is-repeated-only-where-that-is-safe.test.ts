import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { hold, startReplicated } from '../support/replicas.ts'
import { startSpy, type WireRequest } from '../support/spy.ts'
import { startRawUpstream, startUpstream } from '../support/upstream.ts'

const send = (port: number, method: string, content?: string) =>
  sendRaw(
    port,
    requestBytes(
      [
        `${method} /x HTTP/1.1`,
        'Host: a',
        'Connection: close',
        ...(content === undefined ? [] : [`Content-Length: ${content.length}`]),
      ],
      content,
    ),
    { until: method === 'HEAD' ? (text) => text.includes('\r\n\r\n') : wholeAnswer, quietMs: 5000 },
  )

/** What a replica does with a request that it will not answer. */
type Fault = (request: WireRequest, socket: Socket) => string | undefined

const drop: Fault = (_, socket) => {
  socket.destroy()
  return undefined
}
const reset: Fault = (_, socket) => {
  socket.resetAndDestroy()
  return undefined
}
const cutHead: Fault = (_, socket) => {
  socket.end('HTTP/1.1 200 O')
  return undefined
}
const cutHints: Fault = (_, socket) => {
  socket.end('HTTP/1.1 103 Early Hints\r\n\r\n')
  return undefined
}
const junk: Fault = () => 'hello\r\n\r\n'
const silence: Fault = () => undefined

/** Two replicas: whoever gets a request first has this fault, the other one is well. */
const startFaulty = async (t: TestContext, fault: Fault, entry: Readonly<Record<string, unknown>> = {}) => {
  let faults = 0
  const spies = await Promise.all(
    [0, 1].map(() =>
      startSpy(
        t,
        (request, socket) => (faults++ === 0 ? fault(request, socket) : undefined) ?? answerTo(request, faults),
      ),
    ),
  )
  const stage = await startReplicated(
    t,
    spies.map(({ url }) => url),
    entry,
  )
  return { ...stage, spies, deliveries: () => spies.flatMap(({ requests }) => requests) }
}

const answerTo = ({ line }: WireRequest, requests: number): string | undefined =>
  requests === 1 ? undefined : `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${line.startsWith('HEAD ') ? '' : 'ok'}`

test('HS-16: what was lost before any octet of an answer is sent again if it is idempotent and has no content', async (t) => {
  for (const fault of [drop, reset]) {
    for (const [method, content, status, deliveries] of [
      ['GET', undefined, 200, 2],
      ['HEAD', undefined, 200, 2],
      ['OPTIONS', undefined, 200, 2],
      ['PUT', undefined, 200, 2],
      ['DELETE', undefined, 200, 2],
      ['PUT', 'hello', 502, 1],
      ['DELETE', 'hello', 502, 1],
      ['POST', undefined, 502, 1],
      ['POST', 'hello', 502, 1],
      ['PATCH', 'hello', 502, 1],
    ] as const) {
      const stage = await startFaulty(t, fault)
      const answer = await send(stage.port, method, content)
      assert.deepEqual([answer.status, stage.deliveries().length], [status, deliveries], `${method} ${content}`)
      // One each: never twice to the same.
      assert.ok(stage.spies.every(({ requests }) => requests.length <= 1))
    }
  }
})

test('HS-16: after an octet of an answer, after junk and after a timeout nothing is sent again', async (t) => {
  for (const [fault, status] of [
    [cutHead, 502],
    [cutHints, 502],
    [junk, 502],
    [silence, 504],
  ] as const) {
    const stage = await startFaulty(t, fault, { timeouts: { response: '300ms' }, retries: 3 })
    // An interim answer is relayed as it comes.
    const { text } = await sendRaw(stage.port, requestBytes(['GET /x HTTP/1.1', 'Host: a', 'Connection: close']), {
      quietMs: 5000,
    })
    assert.equal(text.match(/^HTTP\/1\.1 [2-5]\d\d/m)?.[0], `HTTP/1.1 ${status}`, fault.name)
    assert.equal(stage.deliveries().length, 1, fault.name)
  }
})

test('HS-16: `retries: 0` sends nothing again, and there is never more than `retries`', async (t) => {
  const none = await startFaulty(t, drop, { retries: 0 })
  assert.equal((await send(none.port, 'GET')).status, 502)
  assert.equal(none.deliveries().length, 1)
  for (const [retries, deliveries] of [
    [1, 2],
    [2, 3],
    // There is no fourth replica to ask.
    [9, 4],
  ] as const) {
    const spies = await Promise.all(Array.from({ length: 4 }, () => startSpy(t, (_, socket) => void socket.destroy())))
    const { port } = await startReplicated(
      t,
      spies.map(({ url }) => url),
      { retries },
    )
    const { status, text } = await send(port, 'GET')
    assert.equal(status, 502)
    assert.match(text, /"reason":"upstream_invalid"/)
    assert.equal(spies.flatMap(({ requests }) => requests).length, deliveries)
  }
})

test('HS-16: what never left goes to another replica whatever it is, with its content from the first octet on', async (t) => {
  const content = 'x'.repeat(300_000)
  for (const method of ['GET', 'POST', 'PATCH', 'PUT']) {
    for (const chunked of [false, true]) {
      const spy = await startSpy(t)
      const { port } = await startReplicated(t, [`http://127.0.0.1:${await freePort()}`, spy.url])
      const body = method === 'GET' ? '' : chunked ? `493e0\r\n${content}\r\n0\r\n\r\n` : content
      const framing = chunked ? 'Transfer-Encoding: chunked' : `Content-Length: ${content.length}`
      const lines = [`${method} /x HTTP/1.1`, 'Host: a', ...(method === 'GET' ? [] : [framing])]
      const { status } = await sendRaw(port, requestBytes(lines, body), { until: wholeAnswer, quietMs: 5000 })
      assert.equal(status, 200, `${method} ${chunked}`)
      assert.equal(spy.requests.length, 1)
      assert.equal(spy.requests[0]?.body, method === 'GET' ? '' : content)
    }
  }
})

test('HS-16: with nobody to be reached the refusal is that of the last attempt', async (t) => {
  const spy = await startSpy(t, (_, socket) => void socket.destroy())
  const nobody = `http://127.0.0.1:${await freePort()}`
  for (const [urls, reason] of [
    [[nobody, spy.url], 'upstream_invalid'],
    [[spy.url, nobody], 'upstream_unreachable'],
    [[nobody], 'upstream_unreachable'],
  ] as const) {
    const { port } = await startReplicated(t, urls)
    const { status, text } = await send(port, 'GET')
    assert.equal(status, 502)
    assert.match(text, new RegExp(`"reason":"${reason}"`))
  }
})

test('RFC 9112 9.3.1: an idle connection closed under us costs no GET, and a POST is delivered once', async (t) => {
  for (const [method, content, status, deliveries] of [
    ['GET', undefined, 200, 2],
    ['DELETE', undefined, 200, 2],
    ['POST', 'hello', 502, 1],
    ['POST', undefined, 502, 1],
  ] as const) {
    // The second request on a connection is what its end and ours meet at.
    const spy = await startSpy(t, ({ connection }, socket) => {
      if (spy.requests.filter((one) => one.connection === connection).length > 1) return void socket.destroy()
      return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
    })
    const { port } = await startReplicated(t, [spy.url])
    assert.equal((await send(port, 'GET')).status, 200)
    const before = spy.requests.length
    assert.equal((await send(port, method, content)).status, status)
    assert.equal(spy.requests.length - before, deliveries, method)
  }
})

test('HS-16: a single replica that drops a request on a new connection is not asked again', async (t) => {
  const spy = await startSpy(t, (_, socket) => void socket.destroy())
  const { port } = await startReplicated(t, [spy.url], { retries: 5 })
  assert.equal((await send(port, 'GET')).status, 502)
  assert.equal(spy.requests.length, 1)
})

test('HS-16: who leaves while the next attempt waits for its turn is not sent again', async (t) => {
  const held = hold()
  const busy = await startUpstream(t, held.listener)
  let dying: Socket | undefined
  const faulty = await startSpy(t, (_, socket) => {
    dying = socket
    return undefined
  })
  const stage = await startReplicated(t, [busy.url, faulty.url], { pool: { connections: 1 } })
  const first = send(stage.port, 'GET')
  await eventually('the good one is busy', () => held.waiting.length === 1)
  const client = await converse(t, stage.port)
  client.say(requestBytes(['GET /gone HTTP/1.1', 'Host: a']))
  await eventually('the other has it', () => dying !== undefined)
  dying?.destroy()
  const next = async () => /^audgate_open_requests 2$/m.test(await stage.metrics())
  await eventually('both are open', next)
  client.socket.destroy()
  await eventually('it is gone', async () => !(await next()))
  held.answer()
  assert.equal((await first).status, 200)
  const last = send(stage.port, 'GET')
  await eventually('the last one has come', () => held.waiting.length === 1 || faulty.requests.length === 2)
  held.answer()
  dying?.destroy()
  await last
  assert.ok([...busy.seen.map(({ target }) => target)].every((target) => target === '/x'))
})

test('HS-16: when no other replica comes free in time, the refusal is that of the attempt', async (t) => {
  const held = hold()
  const busy = await startUpstream(t, held.listener)
  const faulty = await startSpy(t, (_, socket) => void socket.destroy())
  const { port } = await startReplicated(t, [busy.url, faulty.url], {
    pool: { connections: 1 },
    timeouts: { response: '300ms' },
  })
  const client = await converse(t, port)
  client.say(requestBytes(['GET /x HTTP/1.1', 'Host: a']))
  await eventually('the good one is busy', () => held.waiting.length === 1)
  held.waiting[0]?.write('begun')
  const { status, text } = await send(port, 'GET')
  assert.equal(status, 502)
  assert.match(text, /"reason":"upstream_invalid"/)
  assert.equal(busy.seen.length, 1)
})

test('HS-16: the time for the response is one for all attempts together', async (t) => {
  // The first one dies late, the other says nothing at all.
  const dying = await startSpy(t, (_, socket) => {
    setTimeout(() => socket.destroy(), 1500)
    return undefined
  })
  const silent = await startSpy(t, () => undefined)
  const { port } = await startReplicated(t, [dying.url, silent.url], { timeouts: { response: '2s' } })
  const since = performance.now()
  assert.equal((await send(port, 'GET')).status, 504)
  assert.equal(silent.requests.length, 1)
  // undici counts in half seconds; a second attempt with two seconds of its own would come to 3.5 at the least.
  assert.ok(performance.now() - since < 3300)
})

test('HS-16: who could not be reached in time is left for another, unless the time for the response is over too', async (t) => {
  for (const [response, contacts] of [
    ['5s', [1, 1]],
    ['50ms', [1, 0]],
  ] as const) {
    const silent = await Promise.all([0, 1].map(() => startRawUpstream(t, () => undefined)))
    const { port } = await startReplicated(
      t,
      // No TLS handshake is ever over.
      silent.map(({ url }) => url.replace('http:', 'https:')),
      { timeouts: { connect: '50ms', response } },
    )
    const { status, text } = await send(port, 'POST', 'hello')
    assert.equal(status, 504)
    assert.match(text, /"reason":"upstream_timeout"/)
    assert.deepEqual(
      silent.map(({ connections }) => connections()),
      contacts,
    )
  }
})
