import type { IncomingMessage } from 'node:http'

/**
 * Leaves the content of a request to the client: only with its connection, or when all of it was read, does it end.
 *
 * undici destroys what it no longer sends, be it that the upstream has answered already or that it failed. Node would
 * then read nothing more of the client, and a connection that is closed on unread octets is reset: the answer that the
 * client should see instead would be lost on the way (H1-19). And its end would look as if the client had left.
 */
export const keepContent = (request: IncomingMessage): void => {
  const { socket, destroy } = request
  request.destroy = (error) => {
    if (socket.destroyed || request.readableEnded) return destroy.call(request, error)
    // undici takes it away before; Node reads by it.
    request.socket = socket
    return request
  }
}
