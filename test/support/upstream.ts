import { createServer, type IncomingMessage, type RequestListener, type ServerResponse } from 'node:http'
import { type AddressInfo, createServer as createTcpServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** What an upstream saw of a request, head and content as they came. */
export interface Seen {
  readonly method: string
  readonly target: string
  readonly rawHeaders: readonly string[]
  readonly body: string
}

export interface TestUpstream {
  readonly port: number
  readonly url: string
  readonly seen: Seen[]
  /** Connections accepted so far: zero contact means zero of them. */
  connections(): number
}

/** A real HTTP server that remembers every request and echoes it as JSON, or answers as told. Closed with the test. */
export const startUpstream = async (t: TestContext, answer: RequestListener = echo): Promise<TestUpstream> => {
  const seen: Seen[] = []
  let connections = 0
  const server = createServer((request, response) => {
    const chunks: Buffer[] = []
    request.on('data', (chunk: Buffer) => chunks.push(chunk))
    const note = () =>
      seen.push({
        method: request.method ?? '',
        target: request.url ?? '',
        rawHeaders: request.rawHeaders,
        body: Buffer.concat(chunks).toString('latin1'),
      })
    request.once('end', note)
    answer(request, response)
  })
  server.on('connection', () => connections++)
  const port = await listen(server)
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { port, url: `http://127.0.0.1:${port}`, seen, connections: () => connections }
}

const echo = (request: IncomingMessage, response: ServerResponse): void => {
  request.once('end', () => {
    response.setHeader('Content-Type', 'application/json')
    response.end(JSON.stringify({ method: request.method, target: request.url, headers: request.headers }))
  })
}

/** A TCP server that says what no HTTP server would. `talk` gets every connection. Closed with the test. */
export const startRawUpstream = async (
  t: TestContext,
  talk: (socket: Socket, connection: number) => void,
): Promise<{ readonly port: number; readonly url: string; connections(): number }> => {
  const sockets = new Set<Socket>()
  let connections = 0
  const server = createTcpServer((socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    talk(socket, connections++)
  })
  const port = await listen(server)
  t.after(() => {
    for (const socket of sockets) socket.destroy()
    server.close()
  })
  return { port, url: `http://127.0.0.1:${port}`, connections: () => connections }
}

const listen = (server: {
  listen(port: number, host: string, done: () => void): unknown
  address(): AddressInfo | string | null
}): Promise<number> =>
  new Promise((resolve) => {
    server.listen(0, '127.0.0.1', () => {
      const address = server.address()
      resolve(typeof address === 'object' && address !== null ? address.port : 0)
    })
  })
