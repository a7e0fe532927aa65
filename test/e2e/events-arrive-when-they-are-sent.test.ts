import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { type Conversation, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { requestBytes } from '../support/raw-http.ts'
import { type SpiedOptions, startSpied } from '../support/spy.ts'
import { startOverTls } from '../support/tls-stage.ts'

const head = 'HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nX-Obs: \xe9\r\nTransfer-Encoding: chunked\r\n\r\n'
const chunk = (text: string): string => `${text.length.toString(16)}\r\n${text}\r\n`

/** A gateway before a source of events of which the test holds the end. */
const start = async (t: TestContext, options: SpiedOptions = {}, secure = false) => {
  let source: Socket | undefined
  const holding: SpiedOptions = {
    ...options,
    answer: ({ line }, socket) => {
      if (!line.includes('/events')) return 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok'
      source = socket.setNoDelay(true)
      return undefined
    },
  }
  const overTls = secure ? await startOverTls(t, {}, holding) : undefined
  const stage = overTls ?? (await startSpied(t, holding))
  const client = overTls ? await overTls.converse() : await converse(t, stage.port)
  const get = (path: string): Buffer =>
    requestBytes([`GET /orders/${path} HTTP/1.1`, 'Host: a', stage.authorization, 'Accept: text/event-stream'])
  const subscribe = async (): Promise<Socket> => {
    client.say(get('events'))
    await eventually('the request is there', () => source !== undefined)
    return source as Socket
  }
  return { client, get, subscribe }
}

const heads = (text: string): number => text.match(/HTTP\/1\.1 200 OK\r\n/g)?.length ?? 0

test('WS-12: the head comes before the first event does', async (t) => {
  const { client, subscribe } = await start(t)
  const source = await subscribe()
  source.write(head, 'latin1')
  const text = await client.hear('the head', (all) => all.endsWith('\r\n\r\n'))
  assert.match(text, /^HTTP\/1\.1 200 OK\r\n[\s\S]*\r\nX-Obs: \xe9\r\n/)
  source.write(chunk('data: 1\n\n'))
  assert.equal((await client.hear('an event', (all) => all.endsWith(chunk('data: 1\n\n')))).length, text.length + 14)
})

for (const secure of [false, true]) {
  test(`WS-12: single small events arrive one by one, within milliseconds${secure ? ', over TLS too' : ''}`, async (t) => {
    const { client, subscribe } = await start(t, {}, secure)
    const source = await subscribe()
    source.write(head, 'latin1')
    await client.hear('the head', (all) => all.endsWith('\r\n\r\n'))
    const taken: number[] = []
    for (let count = 0; count < 50; count++) {
      const event = chunk(`id: ${count}\ndata: x\n\n`)
      const arrived = new Promise<void>((resolve) => {
        const look = (): void => {
          if (!client.text().endsWith(event)) return
          client.socket.off('data', look)
          resolve()
        }
        client.socket.on('data', look)
      })
      const sent = performance.now()
      source.write(event)
      await arrived
      taken.push(performance.now() - sent)
    }
    taken.sort((a, b) => a - b)
    const [fifth = Number.NaN, median = Number.NaN, worst = Number.NaN] = [taken[10], taken[25], taken[49]]
    t.diagnostic(`from write to receipt: median ${median.toFixed(2)} ms, worst of 50 ${worst.toFixed(2)} ms`)
    // What holds events back holds all of them back; a machine that is busy does so to some.
    assert.ok(fifth < 30, `${fifth} ms`)
  })
}

/** Lets the given time pass, and fails as soon as the connection ends. */
const quiet = async (client: Conversation, ms: number): Promise<void> => {
  const until = performance.now() + ms
  await eventually('the time passes', () => performance.now() > until || client.closed(), ms + 5000)
  assert.ok(!client.closed(), client.text())
}

test('WS-12: quiet for longer than any timeout of the listener, on a used connection, it stays', async (t) => {
  const timeouts = { header: '300ms', idle: '300ms', body_idle: '300ms', request: '300ms' }
  const { client, get, subscribe } = await start(t, { listen: { timeouts } })
  client.say(get('before'))
  await client.hear('an answer', (all) => all.endsWith('ok'))
  const source = await subscribe()
  source.write(head, 'latin1')
  await client.hear('the head', (all) => heads(all) === 2 && all.endsWith('\r\n\r\n'))
  // Node looks for connections that are too slow once in a second at the most.
  await quiet(client, 2500)
  source.write(`${chunk('data: late\n\n')}0\r\n\r\n`)
  await client.hear('the event and the end', (all) => all.endsWith(`${chunk('data: late\n\n')}0\r\n\r\n`))
})

test('WS-12: comments keep it alive beyond `timeouts.idle`; without them it is broken off, never ended', async (t) => {
  const { client, subscribe } = await start(t, { entry: { timeouts: { response: '400ms', idle: '1s' } } })
  const source = await subscribe()
  source.write(head, 'latin1')
  const comments = setInterval(() => source.write(chunk(':\n\n')), 200)
  t.after(() => clearInterval(comments))
  await quiet(client, 4000)
  clearInterval(comments)
  const text = await client.end()
  assert.ok(text.endsWith(chunk(':\n\n')) && !text.includes('\r\n0\r\n'))
})

test('MC-14, HS-27: the client’s leaving ends the source', async (t) => {
  const { client, subscribe } = await start(t)
  const source = await subscribe()
  source.write(head + chunk('data: 1\n\n'), 'latin1')
  await client.hear('an event', (all) => all.includes('data: 1'))
  client.socket.destroy()
  await eventually('the source is told', () => source.destroyed)
})
