import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import { Duplex } from 'node:stream'
import { type TestContext, test } from 'node:test'
import type { Relay } from '../../src/upstream/exchange.ts'
import { createRelay } from '../../src/upstream/relay.ts'
import { eventually } from '../support/eventually.ts'

/** The members that count here; the rest of an upstream's answer has tests with real upstreams. */
const running = { pause: () => undefined, resume: () => undefined, abort: () => undefined, rawTrailers: [] }

/**
 * One exchange over a connection that takes what is written, or never is done with it: where a kernel's buffers end
 * cannot be told, and whether the last piece of an answer still fits even less.
 */
const exchange = async (
  t: TestContext,
  request: string,
  takes: boolean,
): Promise<{ readonly relay: Relay; readonly ends: unknown[]; readonly written: () => string }> => {
  const server = createServer()
  const ends: unknown[] = []
  let written = ''
  const connection = new Duplex({
    read: () => undefined,
    write: (chunk: Buffer, _encoding, done) => {
      written += chunk.toString('latin1')
      if (takes) done()
    },
  })
  Object.defineProperty(connection, 'bytesWritten', { get: () => written.length })
  t.after(() => connection.destroy())
  const relay = await new Promise<Relay>((resolve) => {
    server.on('request', (incoming, response) => {
      const hasBody = incoming.method === 'PUT'
      const parts = {
        request: incoming,
        response,
        hasBody,
        bodySize: 0,
        hop: { requestId: 'id-1' },
        onAnswer: () => undefined,
        onHead: () => undefined,
        onBytes: () => undefined,
        onEnd: (broken: unknown) => ends.push(broken),
        dropRest: () => undefined,
      }
      const options = { authorization: 'forward', timeouts: { idleMs: 20 } }
      const made = createRelay(
        parts as never,
        options as never,
        () => [],
        true,
        () => undefined,
      )
      resolve(made)
    })
    // Any stream may be a connection of Node's server.
    server.emit('connection', connection)
    connection.push(request)
  })
  return { relay, ends, written: () => written }
}

const answers = [
  ['one that leaves with its head', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', { 'content-length': '5' }],
  ['one in pieces', 'GET / HTTP/1.1\r\nHost: a\r\n\r\n', {}],
  ['an early one', 'PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: 9\r\n\r\n', {}],
] as const

for (const takes of [false, true]) {
  for (const [name, request, fields] of answers) {
    const what = takes ? 'is over for who takes it' : 'is not kept for who takes nothing of it'
    test(`attacks 2.6 row 3: an answer that the upstream has ended ${what}: ${name}`, async (t) => {
      const { relay, ends, written } = await exchange(t, request, takes)
      const outcomes: string[] = []
      const handler = relay.attempt({ ended: (outcome) => outcomes.push(outcome), failed: () => false })
      handler.onRequestStart?.(running as never, {})
      handler.onResponseStart?.(running as never, 200, fields as never, 'OK')
      handler.onResponseData?.(running as never, Buffer.from('hello'))
      handler.onResponseEnd?.(running as never, {})
      assert.deepEqual(outcomes, ['answered'])
      await eventually('it is over', () => ends.length > 0)
      assert.deepEqual(ends, [takes ? undefined : 'client'])
      if (takes) assert.match(written(), /hello/)
    })
  }
}
