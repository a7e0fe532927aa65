import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { graceMs } from '../../src/http/drain.ts'
import type { Handler } from '../../src/http/handle.ts'
import { type Conversation, conversationOn, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { issue } from '../support/tls.ts'
import { converseOverTls } from '../support/tls-client.ts'
import { type ListenerSettings, startListener } from './listener-stage.ts'

const get = (path: string): string => `GET /${path} HTTP/1.1\r\nHost: a\r\n\r\n`

/** `/slow` is answered by the test; once `draining`, every answer ends its connection. */
const start = async (t: TestContext, settings: ListenerSettings = {}) => {
  const kept: ServerResponse[] = []
  let draining = false
  const handle: Handler = (request, response, _expects, upgraded) => {
    if (request.url === '/slow') kept.push(response)
    else if (upgraded) {
      upgraded.take()
      upgraded.socket.write('a tunnel')
    } else {
      if (draining) response.shouldKeepAlive = false
      response.end('ok')
    }
    return undefined
  }
  const stage = await startListener(t, { handle, ...settings })
  const idle = async (): Promise<Conversation> => {
    const client = await converse(t, stage.port)
    client.say(get('first'))
    await client.hear('the answer', (text) => text.endsWith('ok'))
    return client
  }
  const close = (drainMs: number): Promise<number> => {
    draining = true
    return stage.listener.close(drainMs)
  }
  return { ...stage, kept, idle, close }
}

const refused = (port: number): Promise<boolean> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    socket.on('connect', () => resolve(false))
    socket.on('error', () => resolve(true))
    socket.on('close', () => socket.destroy())
  })

const since = (begin: number): number => performance.now() - begin

test('OP-3: a request that was on its way to an idle connection is answered, and ends it', async (t) => {
  const stage = await start(t)
  const [client, other] = [await stage.idle(), await stage.idle()]
  const begin = performance.now()
  const closed = stage.close(60_000)
  await eventually('nobody new gets in', () => refused(stage.port))
  client.say(get('second'))
  const text = await client.end()
  assert.ok(since(begin) < graceMs)
  assert.match(text, /Connection: keep-alive[\s\S]*Connection: close[\s\S]*ok$/)
  assert.equal(text.match(/HTTP\/1\.1 200/g)?.length, 2)
  assert.ok(!other.closed())
  await other.end()
  assert.ok(since(begin) >= graceMs)
  assert.equal(await closed, 0)
  assert.ok(since(begin) < graceMs + 1000)
})

test('OP-3: who waits for an answer is not idle, and has the time to send another request after it', async (t) => {
  const stage = await start(t)
  const client = await converse(t, stage.port)
  client.say(get('slow'))
  await eventually('it is there', () => stage.kept.length === 1)
  const closed = stage.close(60_000)
  const begin = performance.now()
  await eventually('the grace is over', () => since(begin) > graceMs + 300)
  stage.kept[0]?.end('answer')
  await client.hear('the answer', (text) => text.endsWith('answer'))
  const answered = performance.now()
  await eventually('half of the grace', () => since(answered) > graceMs / 2)
  client.say(get('second'))
  assert.match(await client.end(), /Connection: close[\s\S]*ok$/)
  assert.equal(await closed, 0)
})

test('OP-3: a request that has arrived while we were busy with something else is not taken for silence', async (t) => {
  const stage = await start(t)
  const client = await stage.idle()
  const begin = performance.now()
  const closed = stage.close(60_000)
  await eventually('the grace is nearly over', () => since(begin) > graceMs - 80)
  // From here the timers come first, and what has arrived after them.
  await new Promise(setImmediate)
  client.say(get('second'))
  while (since(begin) < graceMs + 200);
  assert.match(await client.end(), /Connection: close[\s\S]*ok$/)
  assert.equal(await closed, 0)
})

test('OP-3: a connection on which a request is coming byte by byte is not idle', async (t) => {
  const stage = await start(t)
  const client = await stage.idle()
  const closed = stage.close(60_000)
  const begin = performance.now()
  const request = get('dripping')
  let at = 0
  const drip = setInterval(() => {
    if (client.closed()) return
    client.say(request.slice(at, ++at))
    if (at === request.length) clearInterval(drip)
  }, 60)
  t.after(() => clearInterval(drip))
  assert.match(await client.end(), /Connection: close[\s\S]*ok$/)
  assert.ok(since(begin) > graceMs)
  assert.equal(await closed, 0)
})

test('H1-25, OP-3: slow heads are still timed out while it drains', async (t) => {
  const stage = await start(t, { timeouts: { headerMs: 1500 } })
  const client = await stage.idle()
  const closed = stage.close(60_000)
  client.say('GET / HTTP/1.1\r\nX: ')
  const drip = setInterval(() => client.closed() || client.say('a'), 100)
  t.after(() => clearInterval(drip))
  assert.equal(await closed, 0)
  assert.deepEqual(stage.refusals, [{ reason: 'request_timeout' }])
})

test('OP-3: at the end tunnels have their last word, then the rest is cut, and both are counted', async (t) => {
  let asked = 0
  const stage = await start(t, {
    lastCall: async () => {
      asked++
      assert.ok(!busy.closed())
      return 3
    },
  })
  const busy = await converse(t, stage.port)
  busy.say(get('slow'))
  await eventually('it is there', () => stage.kept.length === 1)
  const closed = stage.close(100)
  assert.equal(stage.close(100), closed)
  assert.equal(await closed, 4)
  assert.equal(asked, 1)
  await busy.end()
  assert.equal(await stage.close(100), 4)
})

test('OP-3: at the end who waits for nothing is closed, and does not count as cut', async (t) => {
  const stage = await start(t)
  const clients = [await stage.idle(), await stage.idle(), await converse(t, stage.port)]
  // Let in after the silent one, so that one is let in as well.
  clients.push(await stage.idle())
  assert.equal(await stage.close(0), 0)
  for (const client of clients) await client.end()
})

test('OP-3: a request whose content is still coming is in flight, although it was answered', async (t) => {
  const stage = await start(t)
  const client = await converse(t, stage.port)
  client.say('POST /post HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\nhalf')
  await client.hear('the answer', (text) => text.endsWith('ok'))
  assert.equal(await stage.close(0), 1)
  await client.end()
})

test('OP-3: an answer that the client has not taken is in flight, although all of it was said', async (t) => {
  const stage = await start(t)
  const client = await converse(t, stage.port)
  client.socket.pause()
  client.say(get('slow'))
  await eventually('it is there', () => stage.kept.length === 1)
  stage.kept[0]?.end(Buffer.alloc(40_000_000))
  assert.equal(await stage.close(0), 1)
})

test('OP-3: what became something else is in flight, unless it was refused', async (t) => {
  const stage = await start(t)
  const halfOpen = connect({ port: stage.port, host: '127.0.0.1', allowHalfOpen: true })
  const refused = conversationOn(t, halfOpen)
  refused.say('CONNECT a:1 HTTP/1.1\r\nHost: a:1\r\n\r\n')
  await refused.end()
  const tunnel = await converse(t, stage.port)
  tunnel.say(`${get('tunnel').slice(0, -2)}Connection: upgrade\r\nUpgrade: websocket\r\n\r\n`)
  await tunnel.hear('its beginning', (text) => text === 'a tunnel')
  assert.equal(await stage.close(0), 1)
  await tunnel.end()
})

test('OP-3: where nothing is left, nobody is asked for a last word', async (t) => {
  const stage = await start(t, { lastCall: () => assert.fail('it was asked') })
  const begin = performance.now()
  assert.equal(await stage.close(60_000), 0)
  assert.ok(since(begin) < graceMs)
})

test('OP-3: tunnels that do not end hold nobody', async (t) => {
  const stage = await start(t, { lastCall: () => new Promise(() => undefined) })
  const busy = await converse(t, stage.port)
  busy.say(get('slow'))
  await eventually('it is there', () => stage.kept.length === 1)
  assert.equal(await stage.close(0), 1)
})

test('OP-3: over TLS an idle connection has its grace too', async (t) => {
  const ca = issue('ca', { ca: true })
  const own = issue('gateway', { by: ca })
  const files = { certificate: '', key: '', clientCa: undefined }
  const stage = await start(t, {
    tls: { certificate: own.cert, key: own.key, clientCertificates: 'ignore', clientCa: undefined, files },
  })
  const clients = [await converseOverTls(t, stage.port, ca), await converseOverTls(t, stage.port, ca)]
  for (const client of clients) {
    client.say(get('first'))
    await client.hear('the answer', (text) => text.endsWith('ok'))
  }
  const begin = performance.now()
  const closed = stage.close(60_000)
  clients[0]?.say(get('second'))
  assert.match((await clients[0]?.end()) ?? '', /Connection: close[\s\S]*ok$/)
  assert.ok(!clients[1]?.closed())
  assert.equal(await closed, 0)
  assert.ok(since(begin) >= graceMs)
})
