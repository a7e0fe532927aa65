import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

const size = 40_000_000
const get = (path: string) => requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: a'])

/** `/big` is more than sockets and buffers hold, `/kept` is answered by the test, everything else at once. */
const start = async (t: Parameters<typeof startOrders>[0], entry: object) => {
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
  const stage = await startOrders(t, { routes: { '/**': 'public' }, ...entry }, { upstream })
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
  const { stage } = await start(t, { timeouts: { idle: '150ms' } })
  const client = await converse(t, stage.port)
  const begun = performance.now()
  let received = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk: string) => {
    received += chunk.length
    client.socket.pause()
    setTimeout(() => client.socket.resume(), 1)
  })
  client.say(get('big'))
  await eventually('everything has come', () => received > size, 20_000)
  assert.ok(performance.now() - begun > 3 * 150)
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
