import assert from 'node:assert/strict'
import type { Socket } from 'node:net'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startRawUpstream } from '../support/upstream.ts'

const piece = Buffer.alloc(64 * 1024, 0x61)
const total = 96 * 1024 * 1024
/** What loopback sockets and stream buffers may hold on the way, generously. */
const underway = 32 * 1024 * 1024

/** Writes until everything is written, and only as fast as the other side takes it. */
const pour = (socket: Socket): { written(): number; stuck(): boolean } => {
  let written = 0
  const on = (): void => {
    while (written < total) {
      written += piece.length
      if (!socket.write(piece)) return
    }
  }
  socket.on('drain', on)
  on()
  return { written: () => written, stuck: () => socket.writableNeedDrain }
}

/** Waits until the number has stood still while the event loop turned a hundred times. */
const stoodStill = async (what: string, read: () => number): Promise<number> => {
  let last = -1
  let turns = 0
  await eventually(
    what,
    () => {
      turns = read() === last ? turns + 1 : 0
      last = read()
      return turns > 40
    },
    20_000,
  )
  return last
}

test('a slow reader holds the upstream back, memory stays flat, and nothing is lost', async (t) => {
  let poured: ReturnType<typeof pour> | undefined
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once('data', () => {
      socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${total}\r\n\r\n`)
      poured = pour(socket)
    })
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
  const client = await converse(t, stage.port)
  client.socket.pause()
  const before = process.memoryUsage().rss
  client.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token()}`]))
  await eventually('the upstream writes', () => poured !== undefined)
  const held = await stoodStill('the upstream is held back', () => poured?.written() ?? 0)
  assert.ok(poured?.stuck())
  assert.ok(held < underway, `${held} bytes were taken of a client that reads nothing`)
  const grown = process.memoryUsage().rss - before
  assert.ok(grown < 2 * underway, `grew by ${grown}`)

  let received = 0
  client.socket.removeAllListeners('data')
  client.socket.on('data', (chunk: string) => {
    received += chunk.length
  })
  client.socket.resume()
  await eventually('everything has come', () => received > total, 20_000)
  assert.equal(poured?.written(), total)
})

test('an upstream that does not read holds the client back, and gets everything once it does', async (t) => {
  let received = 0
  let behind: Socket | undefined
  const upstream = await startRawUpstream(t, (socket) => {
    behind = socket
    socket.pause()
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
  const client = await converse(t, stage.port)
  client.say(
    requestBytes([
      'PUT /orders/1 HTTP/1.1',
      'Host: a',
      `Authorization: Bearer ${stage.token()}`,
      `Content-Length: ${total}`,
    ]),
  )
  const poured = pour(client.socket)
  await eventually('a connection', () => behind !== undefined)
  const held = await stoodStill('the client is held back', poured.written)
  assert.ok(poured.stuck())
  assert.ok(held < underway, `${held} bytes were taken for an upstream that reads nothing`)
  behind?.on('data', (chunk) => {
    received += chunk.length
    if (received > total) behind?.write('HTTP/1.1 204 No Content\r\n\r\n')
  })
  behind?.resume()
  await client.hear('the answer', (text) => text.includes('\r\n\r\n'))
  assert.match(client.text(), /^HTTP\/1\.1 204 /)
})

test('each piece goes on when it comes, in both directions, and not when all have come', async (t) => {
  let seen = ''
  let behind: Socket | undefined
  const upstream = await startRawUpstream(t, (socket) => {
    behind = socket
    socket.on('data', (chunk) => {
      seen += chunk.toString('latin1')
    })
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
  const client = await converse(t, stage.port)
  client.say(
    requestBytes(
      ['POST /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token()}`, 'Transfer-Encoding: chunked'],
      '5\r\nfirst\r\n',
    ),
  )
  await eventually('the first piece is there', () => seen.includes('first'))
  behind?.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n')
  await client.hear('the first piece', (text) => text.includes('one'))
  client.say('6\r\nsecond\r\n')
  await eventually('the second piece is there', () => seen.includes('second'))
  behind?.write('3\r\ntwo\r\n')
  await client.hear('the second piece', (text) => text.includes('two'))
  client.say('0\r\n\r\n')
  await eventually('the end is there', () => seen.endsWith('0\r\n\r\n'))
  behind?.write('0\r\n\r\n')
  await client.hear('the end', (text) => text.endsWith('0\r\n\r\n'))
})

test('content is not transformed: compressed bytes and empty content pass as they are', async (t) => {
  const upstream = await startRawUpstream(t, (socket) => {
    socket.once('data', () =>
      socket.write(
        Buffer.concat([
          Buffer.from(`HTTP/1.1 200 OK\r\nContent-Encoding: ${'gzip, '.repeat(99)}gzip\r\nContent-Length: 4\r\n\r\n`),
          Buffer.from([0x1f, 0x8b, 0x08, 0x00]),
        ]),
      ),
    )
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
  const client = await converse(t, stage.port)
  client.say(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token()}`]))
  const text = await client.hear('four bytes', (all) => all.endsWith('\x1f\x8b\x08\x00'))
  assert.match(text, /Content-Encoding: (?:gzip, ){99}gzip\r\n/)
})
