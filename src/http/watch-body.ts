import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Cancel } from '../upstream/exchange.ts'

/** Ends a request whose content stopped coming (H1-25). While the upstream is the slow one, nobody is to blame here. */
export const watchBody = (request: IncomingMessage, response: ServerResponse, idleMs: number, cancel: Cancel): void => {
  let seen = request.socket.bytesRead
  const timer = setInterval(() => {
    if (request.complete || response.destroyed) return clearInterval(timer)
    const read = request.socket.bytesRead
    if (read !== seen || request.readableLength > 0) {
      seen = read
      return
    }
    clearInterval(timer)
    if (response.headersSent) response.destroy()
    else cancel({ reason: 'request_timeout' })
    return undefined
  }, idleMs).unref()
  request.once('close', () => clearInterval(timer))
}
