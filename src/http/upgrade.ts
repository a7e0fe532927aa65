import { type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Upgrade } from '../upstream/tunnel.ts'

/** What came with a request that Node has taken the parser away from. */
export type Upgraded = Pick<Upgrade, 'socket' | 'head' | 'take'>

/** Takes a request that may become a tunnel; its response is written to the socket like any other. */
export type TakeUpgrade = (request: IncomingMessage, response: ServerResponse, upgraded: Upgraded) => void

/**
 * Hands the WebSocket handshakes of a server to the handler, each with a response of its own: the same decision is made
 * about them as about every request (WS-1). Any other upgrade stays an ordinary request (WS-2), if the server was made
 * with {@link isHandshake} as its `shouldUpgradeCallback`. What the client says next stays in the buffer of its
 * connection, which takes a bounded number of octets; when it leaves, the response is closed.
 *
 * Before 24.9 Node asks nobody and gives up its parser for every upgrade, whatever it is for: there all of them stay
 * ordinary requests.
 *
 * @param given connections that Node no longer cuts when the server closes
 */
export const takeUpgrades = (server: Server, given: Set<Socket>, take: TakeUpgrade): void => {
  if (Reflect.get(server, 'shouldUpgradeCallback') !== isHandshake) return
  server.on('upgrade', (request: IncomingMessage, _stream: unknown, head: Buffer) => {
    const { socket } = request
    hold(socket, given)
    // Node has given the connection away with all its listeners: these stand in their place.
    const response = new ServerResponse(request)
    const onDrain = (): void => {
      response.emit('drain')
    }
    const cut = (): void => {
      socket.destroy()
    }
    const release = (): void => {
      response.detachSocket(socket)
      socket.off('drain', onDrain)
      socket.off('end', cut)
      socket.off('error', cut)
    }
    socket.on('drain', onDrain)
    socket.on('end', cut)
    socket.on('error', cut)
    response.shouldKeepAlive = false
    response.assignSocket(socket)
    response.once('finish', () => {
      release()
      endWithoutReading(socket)
      process.nextTick(() => response.emit('close'))
    })
    take(request, response, { socket, head, take: release })
  })
}

/** Out here, so that a tunnel keeps nothing of its request. */
const hold = (socket: Socket, given: Set<Socket>): void => {
  given.add(socket)
  socket.once('close', () => given.delete(socket))
}

/**
 * Whether a request is a WebSocket handshake that is taken out of HTTP: a GET of HTTP/1.1 without content (WS-4). Behind
 * an answer that is still owed it is not: there it waits for its turn as an ordinary request.
 */
export const isHandshake = (request: IncomingMessage): boolean => {
  const { method, httpVersion, headers, socket } = request
  return (
    method === 'GET' &&
    httpVersion === '1.1' &&
    names(headers.upgrade, 'websocket') &&
    names(headers.connection, 'upgrade') &&
    headers['transfer-encoding'] === undefined &&
    (headers['content-length'] === undefined || Number(headers['content-length']) === 0) &&
    // What it asks for is asked of an ordinary request (HS-10).
    headers.expect === undefined &&
    socket.writable &&
    !Reflect.get(socket, '_httpMessage')
  )
}

const names = (list: string | undefined, name: string): boolean =>
  list?.split(',').some((item) => item.trim().toLowerCase() === name) ?? false

/**
 * What the client sent behind the handshake is neither read as a request nor answered (H1-28, RFC 9931). It is thrown
 * away for a moment, because a connection closed on unread octets is reset, and the answer lost.
 */
const endWithoutReading = (socket: Socket): void => {
  socket.on('error', () => socket.destroy())
  socket.on('end', () => socket.destroy())
  socket.resume()
  socket.end()
  setTimeout(() => socket.destroy(), 1000).unref()
}
