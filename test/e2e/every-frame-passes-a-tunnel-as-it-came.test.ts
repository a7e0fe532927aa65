import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import type { Socket } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import type { WebSocket } from 'ws'
import { converse } from '../support/conversation.ts'
import { eventually } from '../support/eventually.ts'
import { startOrders } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { issue } from '../support/tls.ts'
import { startRawUpstream } from '../support/upstream.ts'
import {
  echo,
  frame,
  handshakeLines,
  openWebSocket,
  startWebSockets,
  startWebSocketUpstream,
  switchingHead,
} from '../support/websocket.ts'

/** What one side does, in the manner of the Autobahn test suite; it is played in both directions. */
type Play = (socket: WebSocket) => void

const filled = (size: number): Buffer => Buffer.alloc(size, 'audgate ')
const noise = (size: number): Buffer => {
  const octets = Buffer.allocUnsafe(size)
  let state = 12_345
  for (let i = 0; i < size; i++) {
    state = (state * 1_103_515_245 + 12_345) & 0x7fffffff
    octets[i] = state >> 16
  }
  return octets
}
const text =
  (content: string): Play =>
  (socket) =>
    socket.send(content)
const binary =
  (content: Buffer): Play =>
  (socket) =>
    socket.send(content)
const pieces =
  (parts: readonly (string | Buffer)[], between: Play = () => undefined): Play =>
  (socket) => {
    parts.forEach((part, i) => {
      socket.send(part, { fin: i === parts.length - 1, binary: typeof part !== 'string' })
      between(socket)
    })
  }
const times =
  (count: number, play: Play): Play =>
  (socket) => {
    for (let i = 0; i < count; i++) play(socket)
  }

const greek = 'Hello-µ@ßöäüàá-UTF-8!! κόσμε 𝄞 日本語 \u0000 \u{10ffff} \uffff'
const mebi = 1024 * 1024

const plays: Readonly<Record<string, Play>> = {
  'text, empty': text(''),
  'text, 1': text('a'),
  'text, 125': text('*'.repeat(125)),
  'text, 126: 16-bit length': text('*'.repeat(126)),
  'text, 127': text('*'.repeat(127)),
  'text, 128': text('*'.repeat(128)),
  'text, 65535': text('*'.repeat(65_535)),
  'text, 65536: 64-bit length': text('*'.repeat(65_536)),
  'text, 65537': text('*'.repeat(65_537)),
  'text, 1 MiB': text('*'.repeat(mebi)),
  'text, UTF-8': text(greek),
  'text, UTF-8, 256 KiB': text('κ𝄞'.repeat(40_000)),
  'text, cut anywhere': pieces([...greek]),
  'binary, empty': binary(filled(0)),
  'binary, 1': binary(filled(1)),
  'binary, 125': binary(noise(125)),
  'binary, 126: 16-bit length': binary(noise(126)),
  'binary, 127': binary(noise(127)),
  'binary, 128': binary(noise(128)),
  'binary, 65535': binary(noise(65_535)),
  'binary, 65536: 64-bit length': binary(noise(65_536)),
  'binary, 65537': binary(noise(65_537)),
  'binary, 1 MiB': binary(noise(mebi)),
  'binary, 4 MiB and one': binary(noise(4 * mebi + 1)),
  'binary, all octets': binary(Buffer.from(Array.from({ length: 256 }, (_, i) => i))),
  'binary, what looks like HTTP': binary(Buffer.from('GET /admin HTTP/1.1\r\nHost: a\r\n\r\n')),
  'binary, what looks like a Close frame': binary(Buffer.from([0x88, 0x02, 0x03, 0xe8])),
  'two fragments': pieces(['frag', 'ment']),
  'fragments of one octet': pieces([...'a hundred fragments, or nearly so']),
  'empty fragments': pieces(['', '', '']),
  'empty fragments around': pieces(['', 'middle', '']),
  'large fragments': pieces([noise(70_000), noise(70_000), noise(126)]),
  'a ping between fragments': pieces(['frag', 'ment', 's'], (socket) => socket.ping('between')),
  'a pong between fragments': pieces(['frag', 'ment', 's'], (socket) => socket.pong('between')),
  'ping, empty': (socket) => socket.ping(),
  'ping with text': (socket) => socket.ping('hello'),
  'ping, binary': (socket) => socket.ping(Buffer.from([0, 0xff, 0xfe, 0xfd])),
  'ping, 125': (socket) => socket.ping(noise(125)),
  'ten pings': times(10, (socket) => socket.ping('again')),
  'pong that nobody asked for': (socket) => socket.pong('hello'),
  'ten pongs and a ping': (socket) => {
    times(10, (to) => to.pong('unasked'))(socket)
    socket.ping('asked')
  },
  'a thousand short messages': times(1000, text('short')),
  'five hundred of 4 KiB': times(500, binary(noise(4096))),
  'twenty of 128 KiB': times(20, binary(noise(131_072))),
  'text and binary in turn': times(20, (socket) => {
    socket.send('text')
    socket.send(Buffer.from('binary'))
  }),
  'close without a code': (socket) => socket.close(),
  'close 1000': (socket) => socket.close(1000),
  'close 1000 with a reason': (socket) => socket.close(1000, 'all done: κόσμε'),
  'close with the longest reason': (socket) => socket.close(1000, '*'.repeat(123)),
  'close 1001': (socket) => socket.close(1001),
  'close 1002': (socket) => socket.close(1002),
  'close 1003': (socket) => socket.close(1003),
  'close 1007': (socket) => socket.close(1007),
  'close 1008': (socket) => socket.close(1008),
  'close 1009': (socket) => socket.close(1009),
  'close 1011': (socket) => socket.close(1011),
  'close 3000': (socket) => socket.close(3000),
  'close 4999': (socket) => socket.close(4999, 'of our own'),
  'close behind a long message': (socket) => {
    socket.send(noise(2 * mebi))
    socket.close(4000, 'and that was that')
  },
}

const end = 'that was all'
const digest = (data: Buffer): string => `${data.length} ${createHash('sha1').update(data).digest('hex')}`

/** Everything that a side is told, until the other says it was all, or closes. */
const transcript = (socket: WebSocket): Promise<readonly string[]> =>
  new Promise((resolve) => {
    const lines: string[] = []
    socket.on('message', (data: Buffer, isBinary) => {
      if (!isBinary && String(data) === end) return resolve([...lines])
      lines.push(`${isBinary ? 'binary' : 'text'} ${digest(data)}`)
    })
    socket.on('ping', (data: Buffer) => lines.push(`ping ${digest(data)}`))
    socket.on('pong', (data: Buffer) => lines.push(`pong ${digest(data)}`))
    socket.on('close', (code, reason) => {
      lines.push(`close ${code} ${reason}`)
      resolve(lines)
    })
  })

interface Sides {
  readonly client: WebSocket
  readonly upstream: WebSocket
}

/** What both sides hear when one of them plays. */
const perform = async ({ client, upstream }: Sides, from: keyof Sides, play: Play) => {
  const [player, listener] = from === 'client' ? [client, upstream] : [upstream, client]
  const both = Promise.all([transcript(listener), transcript(player)])
  listener.on('message', (data: Buffer, isBinary) => {
    if (!isBinary && String(data) === end) listener.send(end)
  })
  play(player)
  if (player.readyState === player.OPEN) player.send(end)
  const [heard, back] = await both
  client.terminate()
  return { heard, back }
}

const deflate = { threshold: 0, zlibDeflateOptions: { level: 1 } }

for (const [how, perMessageDeflate] of [
  ['plain', false],
  ['with permessage-deflate', deflate],
] as const) {
  for (const from of ['client', 'upstream'] as const) {
    test(`RFC 6455: ${Object.keys(plays).length} plays of the ${from}, ${how}, are heard as without a gateway`, async (t) => {
      let upstreamSide: WebSocket | undefined
      const upstream = await startWebSocketUpstream(
        t,
        (socket) => {
          upstreamSide = socket
        },
        { perMessageDeflate },
      )
      const stage = await startWebSockets(t, {}, { upstream })
      const connect = async (url: string): Promise<Sides> => {
        upstreamSide = undefined
        const headers = { Authorization: `Bearer ${stage.token()}` }
        const client = await openWebSocket(t, url, { headers, perMessageDeflate })
        await eventually('the other side is there', () => upstreamSide !== undefined)
        assert.equal(client.extensions !== '', perMessageDeflate !== false)
        return { client, upstream: upstreamSide ?? assert.fail('nobody there') }
      }
      for (const [name, play] of Object.entries(plays)) {
        const direct = await perform(await connect(`ws://127.0.0.1:${upstream.port}/feed`), from, play)
        const through = await perform(await connect(`ws://127.0.0.1:${stage.port}/orders/feed`), from, play)
        assert.ok(direct.heard.length + direct.back.length > 0, name)
        assert.deepEqual(through, direct, name)
      }
    })
  }
}

/** A raw WebSocket of which every octet counts: `there` is what the upstream got behind its head. */
const rawTunnel = async (t: TestContext) => {
  let there = Buffer.alloc(0)
  let other: Socket | undefined
  const upstream = await startRawUpstream(t, (socket) => {
    let head = ''
    socket.on('data', (chunk: Buffer) => {
      if (other) {
        there = Buffer.concat([there, chunk])
        return
      }
      head += chunk.toString('latin1')
      if (!head.endsWith('\r\n\r\n')) return
      other = socket
      socket.write(switchingHead())
    })
  })
  const stage = await startOrders(t, {}, { upstream: { ...upstream, seen: [] } })
  const client = await converse(t, stage.port)
  client.say(requestBytes(handshakeLines('/orders/feed', { Authorization: `Bearer ${stage.token()}` })))
  const head = await client.hear('the 101', (all) => all.endsWith('\r\n\r\n'))
  return {
    client,
    upstream: () => other ?? assert.fail('no upstream'),
    there: () => there,
    here: () => client.text().slice(head.length),
  }
}

test('octet for octet: what is no valid frame, or reserved, or badly cut passes just the same, both ways', async (t) => {
  const tunnel = await rawTunnel(t)
  const said = Buffer.concat([
    frame(1, 'masked'),
    frame(1, 'not masked', { masked: false }),
    frame(3, 'a reserved opcode'),
    frame(0xb, 'a reserved control frame'),
    Buffer.from([0xf1, 0x01, 0x61]),
    // A length in more octets than it needs.
    Buffer.from([0x82, 0x7e, 0x00, 0x01, 0x00]),
    Buffer.from([0x82, 0x7f, 0, 0, 0, 0, 0, 0, 0, 1, 0xff]),
    frame(9, Buffer.alloc(200)),
    frame(1, Buffer.from([0xc3, 0x28])),
    frame(8, Buffer.from([0x03])),
    frame(8, Buffer.from([0x03, 0xec])),
    frame(1, 'behind a Close frame'),
    Buffer.from('GET / HTTP/1.1\r\n\r\n'),
    Buffer.from([0x82, 0x7f, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff, 0xff]),
    noise(100_000),
  ])
  for (let at = 0; at < said.length; at += 1 + (at % 977)) {
    const piece = said.subarray(at, at + 1 + (at % 977))
    tunnel.client.say(piece)
    tunnel.upstream().write(piece)
    if (at % 7 === 0) await new Promise(setImmediate)
  }
  await eventually('all is there', () => tunnel.there().length >= said.length && tunnel.here().length >= said.length)
  assert.ok(tunnel.there().equals(said))
  assert.ok(Buffer.from(tunnel.here(), 'latin1').equals(said))
})

test('TLS on both hops changes nothing', async (t) => {
  const ca = issue('test ca', { ca: true })
  const own = issue('gateway', { by: ca })
  const folder = mkdtempSync(join(tmpdir(), 'audgate-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = (name: string, content: string): string => {
    writeFileSync(join(folder, name), content)
    return join(folder, name)
  }
  const tls = { certificate: file('tls.crt', own.cert), key: file('tls.key', own.key) }
  const upstream = await startWebSocketUpstream(t, echo, { identity: issue('upstream', { by: ca }) })
  const entry = { tls: { ca_file: file('ca.crt', ca.cert) } }
  const stage = await startWebSockets(t, entry, { upstream, listen: { tls } })
  const headers = { Authorization: `Bearer ${stage.token()}` }
  const socket = await openWebSocket(t, `wss://127.0.0.1:${stage.port}/orders/feed`, { headers, ca: ca.cert })
  for (const content of ['', 'a', greek, '*'.repeat(70_000), '*'.repeat(2 * mebi)]) {
    socket.send(content)
    const [data] = await once(socket, 'message')
    assert.equal(String(data), content)
  }
  const ended = once(socket, 'close')
  socket.close(4001, 'bye')
  const [code, reason] = await ended
  assert.deepEqual([code, String(reason)], [4001, 'bye'])
})
