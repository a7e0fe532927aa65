import assert from 'node:assert/strict'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { keepContent } from '../../src/upstream/keep-content.ts'
import { type Conversation, converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'

const length = 400_000

/** A request that has come in part, and of which nobody has read anything. */
const start = async (t: TestContext): Promise<{ readonly request: IncomingMessage; readonly client: Conversation }> => {
  const server = createServer()
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const client = await converse(t, (server.address() as AddressInfo).port)
  const came = new Promise<IncomingMessage>((resolve) => server.once('request', resolve))
  client.say(`PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: ${length}\r\n\r\n`)
  client.say('x'.repeat(length / 2))
  const request = await came
  keepContent(request)
  await eventually('Node has stopped reading', () => request.readableLength >= request.readableHighWaterMark)
  return { request, client }
}

/** What undici does to content that it will not send. */
const discard = (request: IncomingMessage): void => {
  Object.assign(request, { socket: null })
  request.destroy(new Error('not needed any more'))
}

test('H1-19: content that undici throws away can still be read to its end, and ends as it does else', async (t) => {
  const { request, client } = await start(t)
  discard(request)
  assert.equal(request.errored, null)
  let read = 0
  let closed = false
  request.once('close', () => {
    closed = true
  })
  request.on('data', (chunk: Buffer) => {
    read += chunk.length
  })
  client.say('x'.repeat(length / 2))
  await eventually('all of it is read', () => read === length)
  await eventually('it is closed', () => closed)
  assert.ok(request.complete && request.destroyed && !request.errored)
})

test('HS-27: when the client leaves, its content ends', async (t) => {
  const { request, client } = await start(t)
  discard(request)
  let failed = false
  request.once('error', () => {
    failed = true
  })
  request.resume()
  client.socket.destroy()
  await eventually('it fails', () => failed)
  assert.ok(request.destroyed && !request.complete)
})
