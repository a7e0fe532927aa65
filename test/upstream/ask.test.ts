import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createAsk } from '../../src/upstream/ask.ts'
import { type Connector, createConnector } from '../../src/upstream/connector.ts'
import { createTurns } from '../../src/upstream/turns.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { startSpy } from '../support/spy.ts'
import { startRawUpstream } from '../support/upstream.ts'
import { quiet, replicaAt } from './pool-setup.ts'

const askOf = (url: string, after = quiet.after) => {
  const replica = replicaAt(url)
  const connector = createConnector(replica, 5000, undefined)
  return createAsk(replica, '/healthz?deep=1', () => connector, after, createTurns(1))
}

/** A replica that answers every question with these octets, and counts the connections that are open. */
const answering = async (t: TestContext, octets: string) => {
  let open = 0
  const upstream = await startRawUpstream(t, (socket) => {
    open++
    socket.on('close', () => open--)
    socket.once('data', () => socket.write(octets))
  })
  return { ...upstream, open: () => open }
}

test('the question is a GET without any credential, on a connection of its own that ends with it', async (t) => {
  const spy = await startSpy(t)
  const ask = askOf(spy.url)
  assert.equal(await ask(2000), 'good')
  assert.equal(await ask(2000), 'good')
  assert.equal(spy.connections(), 2)
  const [request] = spy.requests
  assert.equal(request?.line, 'GET /healthz?deep=1 HTTP/1.1')
  assert.deepEqual(
    request?.fields.map(([name, value]) => `${name.toLowerCase()}: ${value}`),
    [`host: 127.0.0.1:${spy.port}`, 'connection: close', 'user-agent: audgate-health-check'],
  )
})

test('200 to 299 is good, and everything else says why it is not', async (t) => {
  for (const [octets, expected] of [
    ['HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok', 'good'],
    ['HTTP/1.1 204 No Content\r\n\r\n', 'good'],
    ['HTTP/1.1 299 Fine\r\nContent-Length: 0\r\n\r\n', 'good'],
    ['HTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n', 'good'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(40_000)}\r\nContent-Length: 0\r\n\r\n`, 'good'],
    ['HTTP/1.1 300 Choose\r\nContent-Length: 0\r\n\r\n', 'status 300'],
    ['HTTP/1.1 301 Moved\r\nLocation: /other\r\nContent-Length: 0\r\n\r\n', 'status 301'],
    ['HTTP/1.1 503 Secret text\r\nContent-Length: 0\r\n\r\n', 'status 503'],
    ['hello\r\n\r\n', 'not an HTTP/1.1 message'],
    [`HTTP/1.1 200 OK\r\nX: ${'x'.repeat(70_000)}\r\n\r\n`, 'UND_ERR_HEADERS_OVERFLOW'],
    [`HTTP/1.1 200 OK\r\nContent-Length: 2000000\r\n\r\n${'x'.repeat(2_000_000)}`, 'too much content'],
  ] as const) {
    const { url, open } = await answering(t, octets)
    assert.equal(await askOf(url)(5000), expected, octets.slice(0, 60))
    await eventually('the connection is gone', () => open() === 0)
  }
})

test('nobody there, and a connection that is closed, are told by their codes', async (t) => {
  assert.equal(await askOf(`http://127.0.0.1:${await freePort()}`)(2000), 'ECONNREFUSED')
  const { url } = await startRawUpstream(t, (socket) => socket.once('data', () => socket.end()))
  assert.equal(await askOf(url)(2000), 'UND_ERR_SOCKET')
})

test('what fails for want of our own means says nothing of the replica', async (t) => {
  const { url, open } = await answering(t, '')
  const replica = replicaAt(url)
  for (const [code, expected] of [
    ['EMFILE', undefined],
    ['ENFILE', undefined],
    ['ENOBUFS', undefined],
    ['ENOMEM', undefined],
    ['EHOSTUNREACH', 'EHOSTUNREACH'],
  ] as const) {
    const connector: Connector = (_, callback) => {
      callback(Object.assign(new Error(), { code }), null)
      return undefined
    }
    assert.equal(await createAsk(replica, '/', () => connector, quiet.after, createTurns(1))(2000), expected)
  }
  assert.equal(open(), 0)
})

test('the time is for the whole answer, and then the connection ends', async (t) => {
  for (const octets of ['', 'HTTP/1.1 200 OK\r\n', 'HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nok']) {
    const clock = createManualClock()
    const { url, open } = await answering(t, octets)
    const answer = askOf(url, clock.after)(2000)
    await eventually('it is asked', () => open() === 1)
    assert.deepEqual(clock.waiting(), [2000])
    clock.advance(2000)
    assert.equal(await answer, 'no answer in time')
    await eventually('the connection is gone', () => open() === 0)
  }
})

test('stopped, it waits for nothing, asks no more, and no timer is left', async (t) => {
  const clock = createManualClock()
  const { url, open, connections } = await answering(t, '')
  const ask = askOf(url, clock.after)
  const answer = ask(2000)
  await eventually('it is asked', () => open() === 1)
  ask.stop()
  assert.equal(await answer, undefined)
  await eventually('the connection is gone', () => open() === 0)
  assert.equal(await ask(2000), undefined)
  assert.equal(connections(), 1)
  assert.deepEqual(clock.waiting(), [])
})

test('a connection that is still being made ends with the question', async (t) => {
  for (const how of ['time', 'stop'] as const) {
    const clock = createManualClock()
    const { url, open } = await answering(t, '')
    const replica = replicaAt(url.replace('http:', 'https:'))
    const connector = createConnector(replica, 600_000, undefined)
    const ask = createAsk(replica, '/', () => connector, clock.after, createTurns(1))
    const answer = ask(2000)
    await eventually('TCP is accepted', () => open() === 1)
    if (how === 'time') clock.advance(2000)
    else ask.stop()
    assert.equal(await answer, how === 'time' ? 'no answer in time' : undefined)
    await eventually('the connection is gone', () => open() === 0)
  }
})
