import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startOverTls } from '../support/tls-stage.ts'
import { startUpstream } from '../support/upstream.ts'

const size = 40_000_000
const get = (path: string) => requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: a'])

/** `/big` is more than sockets and buffers hold, `/kept` is answered by the test, everything else at once. */
const start = async (t: Parameters<typeof startOrders>[0], entry: object, listen = {}) => {
  let bigs = 0
  const kept: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    if (request.url === '/kept') return void kept.push(response)
    if (request.url !== '/big') return void response.end('small')
    bigs++
    response.once('close', () => bigs--)
    response.end(Buffer.alloc(size))
    return undefined
  })
  const stage = await startOrders(t, { routes: { '/**': 'public' }, ...entry }, { upstream, listen })
  const open = async (count: number) => new RegExp(`^audgate_open_requests ${count}$`, 'm').test(await stage.metrics())
  return { stage, bigs: () => bigs, kept, open }
}

test('a client that takes nothing for the idle time loses its answer, and the upstream its request', async (t) => {
  const { stage, bigs, open } = await start(t, { timeouts: { idle: '200ms' } })
  const client = await converse(t, stage.port)
  client.socket.pause()
  client.say(get('big'))
  await eventually('it is under way', () => bigs() === 1)
  await eventually('the upstream request ends', () => bigs() === 0)
  await eventually('nothing is open', () => open(0))
  const line = (await stage.log()).find((entry) => entry.path === '/orders/big')
  assert.match(JSON.stringify(line), /client/)
})

test('a client that reads slowly, but reads, gets everything, however often the idle time passes', async (t) => {
  const idleMs = 1000
  const { stage } = await start(t, { timeouts: { idle: `${idleMs}ms` } })
  const client = await converse(t, stage.port)
  client.socket.removeAllListeners('data')
  let received = 0
  client.say(get('big'))
  // By the clock, not by the piece: a fifth at once in every half of the idle time. So it is never idle, and never done
  // before the idle time has passed twice, on a machine of any speed.
  let allowed = 0
  const read = (): void => {
    while (received < allowed) {
      const piece: string | null = client.socket.read()
      if (piece === null) break
      received += piece.length
    }
  }
  client.socket.on('readable', read)
  const begun = performance.now()
  const clock = setInterval(() => {
    allowed += size / 5
    read()
  }, idleMs / 2)
  t.after(() => clearInterval(clock))
  await eventually(
    'everything has come',
    () => {
      assert.ok(!client.closed(), `cut after ${received} octets`)
      return received > size
    },
    60_000,
  )
  assert.ok(performance.now() - begun > 2 * idleMs)
})

test('a client that pauses is waited for as long as the upstream’s `idle` says, however short `listen.timeouts.idle` is', async (t) => {
  const { stage } = await start(t, { timeouts: { idle: '1m' } }, { timeouts: { idle: '1ms', header: '100ms' } })
  const client = await converse(t, stage.port)
  client.socket.pause()
  client.say(get('big'))
  const begun = performance.now()
  // Twice what the listener gives a connection on which nothing is under way, and its second of tolerance.
  await eventually('the time is over', () => performance.now() - begun > 2500)
  client.socket.resume()
  await client.hear('everything', (text) => text.length > size)
})

test('attacks 2.6 row 3: over TLS too a client that takes nothing loses its answer', async (t) => {
  const answer = Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${size}\r\n\r\n`), Buffer.alloc(size)])
  const stage = await startOverTls(t, {}, { answer: () => answer, entry: { timeouts: { idle: '300ms' } } })
  const client = await stage.converse()
  client.socket.pause()
  client.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
  await eventually('it is under way', () => stage.spy.requests.length === 1)
  await eventually('it is over', async () => /^audgate_open_requests 0$/m.test(await stage.metrics()))
})

test('over TLS too a client that takes a little in every idle time gets everything', async (t) => {
  const length = 40_000_000
  const stage = await startOverTls(
    t,
    {},
    {
      answer: () =>
        Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${length}\r\n\r\n`), Buffer.alloc(length)]),
      entry: { timeouts: { idle: '1s' } },
    },
  )
  const client = await stage.converse()
  client.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]))
  client.socket.pause()
  const begun = performance.now()
  const clock = setInterval(() => {
    client.socket.resume()
    if (performance.now() - begun < 2500) setImmediate(() => client.socket.pause())
  }, 100)
  t.after(() => clearInterval(clock))
  await client.hear('everything', (text) => text.length > length)
  assert.ok(performance.now() - begun > 2000)
})

test('an answer that waits behind another one is not the client’s fault, and arrives whole', async (t) => {
  const { stage, bigs, kept } = await start(t, { timeouts: { idle: '100ms' } })
  const client = await converse(t, stage.port)
  client.say(Buffer.concat([get('kept'), get('big')]))
  await eventually('both are under way', () => bigs() === 1 && kept.length === 1)
  const since = performance.now()
  await eventually('the idle time passed thrice', () => performance.now() - since > 300)
  assert.equal(bigs(), 1)
  kept[0]?.end('first')
  await client.hear('everything', (text) => text.length > size)
})

test('ER-1: who waits for a connection too long is refused with 503, and is never sent', async (t) => {
  const { stage, kept, open } = await start(t, {
    pool: { connections: 1 },
    timeouts: { response: '300ms', idle: '1m' },
  })
  const first = await converse(t, stage.port)
  first.say(get('kept'))
  await eventually('the only connection is taken', () => kept.length === 1)
  kept[0]?.writeHead(200, { 'Content-Length': '5' }).flushHeaders()
  const { status, text } = await sendRaw(stage.port, get('waiting'), { until: wholeAnswer, quietMs: 5000 })
  assert.equal(status, 503)
  assert.match(text, /"reason":"upstream_overloaded"/)
  await eventually('it counts no longer', () => open(1))

  kept[0]?.end('first')
  await first.hear('the first answer', (all) => all.endsWith('first'))
  const { text: next } = await sendRaw(stage.port, get('next'), { until: wholeAnswer })
  assert.match(next, /small$/)
  assert.deepEqual(
    stage.upstream.seen.map(({ target }) => target),
    ['/kept', '/next'],
  )
  assert.equal(stage.upstream.connections(), 1)
})

test('who waits for a connection is sent in turn when one is free, and not at all when it has left', async (t) => {
  const { stage, kept, open } = await start(t, { pool: { connections: 1 } })
  const [first, leaving, second, third] = await Promise.all([1, 2, 3, 4].map(() => converse(t, stage.port)))
  let count = 0
  for (const [client, path] of [
    [first, 'kept'],
    [leaving, 'left'],
    [second, 'second'],
    [third, 'third'],
  ] as const) {
    client?.say(get(path))
    count++
    await eventually(`${path} is there`, () => open(count))
  }
  leaving?.socket.destroy()
  await eventually('its place is free', () => open(3))
  kept[0]?.end('first')
  await second?.hear('its answer', (text) => text.endsWith('small'))
  await third?.hear('its answer', (text) => text.endsWith('small'))
  assert.deepEqual(
    stage.upstream.seen.map(({ target }) => target),
    ['/kept', '/second', '/third'],
  )
  assert.equal(stage.upstream.connections(), 1)
})
