import { Server as NetServer, type Server, type Socket } from 'node:net'
import { answerUnderWay, isContentComing } from './answer-under-way.ts'

/** What ends. */
export interface Draining {
  readonly server: Server
  /** All connections on which HTTP is, or was, spoken. */
  readonly open: ReadonlySet<Socket>
  /** Those among them that became something else. */
  readonly given: ReadonlySet<Socket>
  readonly drainMs: number
  /** Ends what has no HTTP yet: connections whose TLS handshake is under way. */
  readonly endHandshakes: () => void
  /** Ends the tunnels in their own words, within about a second; resolves with how many there were. */
  readonly lastCall: () => Promise<number>
}

/**
 * Stops accepting and lets what is in flight finish (OP-3). A connection that waits for its next request is ended after
 * it was silent for {@link graceMs}: Node's own `close` ends it at once, and with it the request that is just on its way.
 * Whoever speaks in that time is answered, with `Connection: close`. A TLS handshake has as long, as the connection was
 * accepted and its client may be about to ask. What is left after `drainMs` is cut.
 *
 * @returns how many connections were cut with something in flight, tunnels included; to end an idle one is no loss
 */
export const drain = async ({ server, open, given, drainMs, endHandshakes, lastCall }: Draining): Promise<number> => {
  const closed = new Promise<void>((resolve) => {
    // The base class: the close of an HTTP server ends idle connections, and the watch over slow ones.
    NetServer.prototype.close.call(server, () => resolve())
  })
  const sweep = endingSilent(open, given)
  // From behind the next poll: what lies in the kernel by then has been read, however late this loop is.
  const sweeps = setInterval(() => setImmediate(sweep), sweepMs)
  sweep()
  const handshakes = setTimeout(endHandshakes, graceMs)
  let limit: NodeJS.Timeout | undefined
  const late = new Promise<'late'>((resolve) => {
    limit = setTimeout(resolve, drainMs, 'late')
  })
  let cut = 0
  if ((await Promise.race([closed, late])) === 'late') {
    endHandshakes()
    cut = await within(lastCallMs, lastCall())
    for (const socket of open) {
      if (socket.destroyed) continue
      if (isInFlight(socket, given)) cut++
      socket.destroy()
    }
    await closed
  }
  clearTimeout(limit)
  clearTimeout(handshakes)
  clearInterval(sweeps)
  // Ends the watch over slow connections, of which there are none any more.
  server.close()
  return cut
}

/** How long a connection is silent before it is ended; a request needs less from any client that is about to send one. */
export const graceMs = 1000
const sweepMs = 100
/** A bound in case the tunnels do not keep their word. */
const lastCallMs = 2000

/** Whether somebody loses something with this connection: an answer, the rest of it, or a tunnel. */
const isInFlight = (socket: Socket, given: ReadonlySet<Socket>): boolean =>
  answerUnderWay(socket) !== undefined ||
  isContentComing(socket) ||
  // Those that were refused have been told all, and are only waited for.
  (given.has(socket) && !socket.writableFinished)

/** Each call ends the connections that were silent, and waited for no answer, in all calls of the last second. */
const endingSilent = (open: ReadonlySet<Socket>, given: ReadonlySet<Socket>): (() => void) => {
  const heard = new WeakMap<Socket, { readonly bytes: number; readonly at: number }>()
  return () => {
    const now = performance.now()
    for (const socket of open) {
      if (given.has(socket)) continue
      const { bytesRead: bytes } = socket
      const last = heard.get(socket)
      if (last === undefined || last.bytes !== bytes || answerUnderWay(socket)) heard.set(socket, { bytes, at: now })
      else if (now - last.at >= graceMs) socket.destroy()
    }
  }
}

const within = async (ms: number, count: Promise<number>): Promise<number> => {
  let timer: NodeJS.Timeout | undefined
  const over = new Promise<number>((resolve) => {
    timer = setTimeout(resolve, ms, 0)
  })
  const ended = await Promise.race([count, over])
  clearTimeout(timer)
  return ended
}
