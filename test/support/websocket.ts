import { createHash, randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type RequestListener, type Server } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo, Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { type ClientOptions, type ServerOptions, WebSocket, WebSocketServer } from 'ws'
import { liveToken, type OrdersStage, startOrders } from './orders.ts'
import type { Identity } from './tls.ts'
import type { Seen, TestUpstream } from './upstream.ts'

/** An upstream that speaks WebSocket by the `ws` package and echoes, or does as told. Closed with the test. */
export interface WebSocketUpstream extends TestUpstream {
  /** The handshakes in order. */
  readonly handshakes: IncomingMessage[]
  /** The open ones, on the upstream's side. */
  readonly open: ReadonlySet<WebSocket>
}

export const startWebSocketUpstream = async (
  t: TestContext,
  serve: (socket: WebSocket, request: IncomingMessage) => void = echo,
  { identity, ...options }: ServerOptions & { readonly identity?: Identity } = {},
): Promise<WebSocketUpstream> => {
  const seen: Seen[] = []
  const handshakes: IncomingMessage[] = []
  const open = new Set<WebSocket>()
  let connections = 0
  const plain: RequestListener = (request, response) => {
    seen.push({ method: request.method ?? '', target: request.url ?? '', rawHeaders: request.rawHeaders, body: '' })
    response.end('plain')
  }
  const server = identity ? createTlsServer({ cert: identity.cert, key: identity.key }, plain) : createServer(plain)
  const sockets = new WebSocketServer({ server, maxPayload: 64 * 1024 * 1024, ...options })
  const accepted = new Set<Socket>()
  server.on('connection', (socket: Socket) => {
    connections++
    accepted.add(socket)
    socket.on('close', () => accepted.delete(socket))
  })
  sockets.on('connection', (socket, request) => {
    handshakes.push(request)
    open.add(socket)
    socket.on('close', () => open.delete(socket))
    socket.on('error', () => socket.terminate())
    serve(socket, request)
  })
  const port = await bound(server)
  t.after(() => {
    for (const socket of accepted) socket.destroy()
    sockets.close()
    server.close()
  })
  const url = `${identity ? 'https' : 'http'}://127.0.0.1:${port}`
  return { port, url, seen, connections: () => connections, handshakes, open }
}

export const echo = (socket: WebSocket): void => {
  socket.on('message', (data: Buffer, binary) => socket.send(data, { binary }))
}

/** A gateway in front of such an upstream. */
export interface WebSocketStage extends OrdersStage {
  readonly upstream: WebSocketUpstream
  /** A client of it that has a token, opened; or the error of its handshake. */
  client(options?: ClientOptions & { readonly protocols?: readonly string[] }): Promise<WebSocket>
}

/** @param entry members of the upstream entry, beside `resource` */
export const startWebSockets = async (
  t: TestContext,
  entry: Readonly<Record<string, unknown>> = {},
  { upstream, ...rest }: { upstream?: WebSocketUpstream; listen?: Record<string, unknown>; extra?: string } = {},
): Promise<WebSocketStage> => {
  const behind = upstream ?? (await startWebSocketUpstream(t))
  const stage = await startOrders(t, entry, { upstream: behind, ...rest })
  return {
    ...stage,
    upstream: behind,
    client: ({ headers, ...options } = {}) =>
      openWebSocket(t, `ws://127.0.0.1:${stage.port}/orders/feed`, {
        headers: { Authorization: `Bearer ${liveToken()}`, ...headers },
        ...options,
      }),
  }
}

/** A client of `ws`, opened; cut with the test. Its message events are kept back until somebody listens. */
export const openWebSocket = (
  t: TestContext,
  url: string,
  { protocols = [], ...options }: ClientOptions & { readonly protocols?: readonly string[] } = {},
): Promise<WebSocket> =>
  new Promise((resolve, reject) => {
    const socket = new WebSocket(url, [...protocols], { maxPayload: 64 * 1024 * 1024, ...options })
    t.after(() => socket.terminate())
    socket.on('open', () => resolve(socket))
    socket.on('error', reject)
  })

/** Waits for the end of a WebSocket, and says with which code and reason. */
export const closed = (socket: WebSocket): Promise<{ readonly code: number; readonly reason: string }> =>
  new Promise((resolve) => {
    socket.once('close', (code, reason) => resolve({ code, reason: reason.toString() }))
  })

/** The lines of a good handshake; fields given replace those of the same name, `undefined` removes. */
export const handshakeLines = (
  target: string,
  fields: Readonly<Record<string, string | undefined>> = {},
): readonly string[] => {
  const all = {
    Host: 'gw.test',
    Connection: 'Upgrade',
    Upgrade: 'websocket',
    'Sec-WebSocket-Key': sampleKey,
    'Sec-WebSocket-Version': '13',
    ...fields,
  }
  return [
    `GET ${target} HTTP/1.1`,
    ...Object.entries(all).flatMap(([name, value]) => (value === undefined ? [] : [`${name}: ${value}`])),
  ]
}

/** RFC 6455 section 1.3. */
export const sampleKey = 'dGhlIHNhbXBsZSBub25jZQ=='

/** What a server says to a key. */
export const acceptOf = (key: string): string =>
  createHash('sha1').update(`${key}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`).digest('base64')

/** The head of a good 101 to {@link sampleKey}; lines given are added. */
export const switchingHead = (lines: readonly string[] = []): string =>
  [
    'HTTP/1.1 101 Switching Protocols',
    'Upgrade: websocket',
    'Connection: Upgrade',
    `Sec-WebSocket-Accept: ${acceptOf(sampleKey)}`,
    ...lines,
    '\r\n',
  ].join('\r\n')

/** One frame as it stands on the wire; masked as a client's, unless told. */
export const frame = (
  opcode: number,
  payload: string | Buffer,
  { masked = true, final = true }: { masked?: boolean; final?: boolean } = {},
): Buffer => {
  const data = Buffer.from(payload)
  const bit = masked ? 0x80 : 0
  const first = (final ? 0x80 : 0) | opcode
  const head =
    data.length < 126
      ? Buffer.from([first, bit | data.length])
      : data.length < 65_536
        ? Buffer.from([first, bit | 126, data.length >> 8, data.length & 0xff])
        : Buffer.concat([Buffer.from([first, bit | 127]), long(data.length)])
  if (!masked) return Buffer.concat([head, data])
  const mask = randomBytes(4)
  return Buffer.concat([head, mask, data.map((octet, i) => octet ^ (mask[i % 4] ?? 0))])
}

const long = (length: number): Buffer => {
  const octets = Buffer.alloc(8)
  octets.writeBigUInt64BE(BigInt(length))
  return octets
}

const bound = (server: Server): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve((server.address() as AddressInfo).port))
  })
