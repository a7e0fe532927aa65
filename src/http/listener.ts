import { createServer, type IncomingMessage, type Server, type ServerOptions, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Refusal } from '../decision/refusal.ts'
import type { Cancel } from '../upstream/exchange.ts'
import { answerUnderWay, endAfter, endWith, isAnswerAwaited } from './answer-under-way.ts'
import { type Dropped, limitConnections } from './connection-limits.ts'
import { drain } from './drain.ts'
import type { Expectation, Handler } from './handle.ts'
import { ListenError } from './listen-error.ts'
import type { ListenOptions } from './options.ts'
import { parserRefusal } from './parser-refusal.ts'
import { createPipelines } from './pipeline.ts'
import { type Certificate, createTlsServer, isTlsFault } from './tls.ts'
import { isHandshake, takeUpgrades } from './upgrade.ts'

/** The public listener. */
export interface Listener {
  listen(): Promise<AddressInfo>
  /**
   * New connections are shown this certificate; those that are open go on. Without TLS there is nothing to set. Throws
   * where certificate and key are of no use, and then keeps the old ones.
   */
  setCertificate(certificate: Certificate): void
  /** Connections that come from these count for no client. */
  setTrusted(trustedProxies: readonly string[]): void
  /**
   * Stops accepting and lets what is in flight finish; after `drainMs` the tunnels have their last word, and the rest is
   * cut. To call it again changes nothing.
   *
   * @returns how many connections had to be cut with something in flight, tunnels included
   */
  close(drainMs: number): Promise<number>
}

export interface ListenerOptions {
  readonly listen: ListenOptions
  readonly handle: Handler
  /** A message that the parser refused before there was a request; answered, then the connection ends. */
  readonly refuse: (refusal: Refusal, socket: Socket) => Buffer
  /** A connection was not let in. Told for each of them, and there may be many. */
  readonly dropped: (why: Dropped) => void
  /** Ends the tunnels in their own words, within about a second; resolves with how many there were. */
  readonly lastCall: () => Promise<number>
  /** The listener itself failed, while it listened; it goes on. */
  readonly failed: (error: Error) => void
}

/**
 * Accepts HTTP/1.1 within the limits and hands every request to the handler: with `Expect`, as CONNECT and with an
 * `Upgrade` too, which would otherwise have pipelines of their own (H1-3, HS-10, WS-1).
 */
export const createListener = ({ listen, handle, refuse, dropped, lastCall, failed }: ListenerOptions): Listener => {
  const { timeouts, limits } = listen
  const tls = listen.tls && createTlsServer(parsingOf(listen), listen.tls, timeouts.headerMs)
  const server = tls?.server ?? createServer(parsingOf(listen))
  // More are refused, by the parser or by `readHead`: none is ever left out (H1-24).
  server.maxHeadersCount = mostFields
  // Nothing is read or written any more: beyond both, so that what is due earlier comes first.
  server.timeout = Math.max(timeouts.idleMs, timeouts.headerMs) + timeoutBufferMs
  server.on('timeout', (socket: Socket) => {
    // A slow upstream is not the client's fault. Not to read is, but of a relayed answer the relay says for how long.
    if (!isAnswerAwaited(socket)) socket.destroy()
    // Node tells of it once; the answer may come to its end without another octet read or written.
    else socket.setTimeout(server.timeout)
  })
  const open = new Set<Socket>()
  server.on(tls ? 'secureConnection' : 'connection', (socket: Socket) => {
    open.add(socket)
    socket.once('close', () => open.delete(socket))
  })
  const setTrusted = limitConnections(server, listen, dropped)
  const given = new Set<Socket>()
  const begin = (request: IncomingMessage, response: GivenUp, expects: Expectation): void => {
    const cancel = handle(request, response, expects)
    if (cancel) response[giveUpBy] = cancel
  }
  const pipelines = createPipelines(begin)
  const take = (request: IncomingMessage, response: ServerResponse, expects: Expectation): void => {
    // Node gives the connection to one answer at a time.
    if (response.socket === null) pipelines.take(request, response, expects)
    else begin(request, response, expects)
  }
  server.on('request', (request, response) => take(request, response, 'nothing'))
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    take(request, response, expectationOf(request)),
  )
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    take(request, response, expectationOf(request)),
  )
  takeUpgrades(server, given, (request, response, upgraded) => {
    handle(request, response, 'nothing', upgraded)
  })
  server.on('connect', ({ socket }: IncomingMessage) => {
    // What follows a CONNECT is not read as a request, whatever it looks like (H1-28). Node has given the connection
    // away with all its listeners: without these the answers owed would neither go on nor learn that the client has
    // left, and each would keep its connection to the upstream for good.
    given.add(socket)
    socket.on('drain', () => answerUnderWay(socket)?.emit('drain'))
    socket.on('end', () => socket.destroy())
    socket.on('error', () => socket.destroy())
    socket.on('close', () => {
      given.delete(socket)
      for (const answer of pipelines.underWay(socket)) answer.destroy()
    })
    socket.resume()
    const owed = answerUnderWay(socket)
    if (owed) endAfter(owed, socket)
    else endWith(refuse({ reason: 'method_not_implemented' }, socket), socket)
  })
  const faulty = new WeakSet<Socket>()
  /** Answers a request whose content is the fault as what it is; false: it is beyond that. */
  const giveUp = (answer: GivenUp, error: Error): boolean => {
    const cancel = answer[giveUpBy]
    if (!cancel || answer.req.complete || answer.headersSent) return false
    cancel(parserRefusal(error, limits))
    return true
  }
  server.on('clientError', (error: Error, socket: Socket) => {
    if (socket.destroyed) return
    // Who never said a word, a probe for example, is not told either: an answer could be taken for that of a request
    // which is on its way.
    if (isTlsFault(error) || socket.bytesRead === 0) {
      socket.destroy()
      return
    }
    const answer = answerUnderWay(socket)
    if (answer?.req.complete) {
      // The fault lies behind a request that is whole: what is owed is answered first, and nothing else (RFC 9112 9.3.2).
      if (!faulty.has(socket)) endAfter(answer, socket, (next) => giveUp(next, error))
      faulty.add(socket)
      return
    }
    if (answer && giveUp(answer, error)) return
    if (!socket.writable || answer?.headersSent) {
      // No second answer may be written into one that has begun: what stands there is flushed, and the rest is cut.
      socket.destroySoon()
      return
    }
    socket.on('error', () => socket.destroy())
    endWith(refuse(parserRefusal(error, limits), socket), socket)
  })
  let closing: Promise<number> | undefined
  return {
    listen: async () => {
      const address = await bind(server, listen.host, listen.port)
      server.on('error', failed)
      return address
    },
    setCertificate: (certificate) => tls?.setCertificate(certificate),
    setTrusted,
    close: (drainMs) => {
      if (closing) return closing
      closing = drain({ server, open, given, drainMs, endHandshakes: () => tls?.endHandshakes(), lastCall })
      return closing
    },
  }
}

/**
 * An answer to a request with content, and how to give it up while that is still to come. Not in a `WeakMap`: the
 * collections of the young generation hold what a long-lived map has for the map's own, and the whole request with it.
 */
interface GivenUp extends ServerResponse {
  [giveUpBy]?: Cancel
}

const giveUpBy: unique symbol = Symbol('giveUpBy')

/** How Node parses. */
const parsingOf = ({ timeouts, limits }: ListenOptions): ServerOptions => {
  // A whole message includes its head.
  const headerMs = timeouts.requestMs > 0 ? Math.min(timeouts.headerMs, timeouts.requestMs) : timeouts.headerMs
  return {
    // Ours are the checks of Host and of the sizes, so that their refusals look like all others. The parser's own limit
    // is a backstop: it counts the target as header bytes (H1-5).
    requireHostHeader: false,
    maxHeaderSize:
      limits.headerSize === 0 ? unlimited : limits.headerSize + (limits.targetSize || unlimited / 2) + slack,
    headersTimeout: headerMs,
    requestTimeout: timeouts.requestMs,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: Math.min(1000, headerMs || 1000),
    insecureHTTPParser: false,
    // Any other upgrade stays an ordinary request (WS-2).
    shouldUpgradeCallback: isHandshake,
    noDelay: true,
  }
}

/** Node takes every value that contains the word for `100-continue`. A client of HTTP/1.0 has no expectations (HS-11). */
const expectationOf = (request: IncomingMessage): Expectation => {
  if (request.httpVersionMinor === 0) return 'nothing'
  return request.headers.expect?.toLowerCase() === '100-continue' ? 'continue' : 'other'
}

const unlimited = 1024 * 1024
const slack = 4096
const mostFields = 2000
const timeoutBufferMs = 1000

const bind = (server: Server, host: string, port: number): Promise<AddressInfo> =>
  new Promise((resolve, reject) => {
    const failed = (error: NodeJS.ErrnoException): void => reject(new ListenError('listen.address', host, port, error))
    server.once('error', failed)
    server.listen(port, host, () => {
      server.off('error', failed)
      const address = server.address()
      if (address === null || typeof address === 'string') reject(new Error('the listener has no address'))
      else resolve(address)
    })
  })
