import { createServer, type IncomingMessage, type Server, ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import type { Refusal } from '../decision/refusal.ts'
import type { Cancel } from '../upstream/forward.ts'
import type { Expectation, Handler } from './handle.ts'
import { ListenError } from './listen-error.ts'
import type { ListenOptions } from './options.ts'
import { createTlsServer, isTlsFault } from './tls.ts'

/** The public listener. */
export interface Listener {
  listen(): Promise<AddressInfo>
  /**
   * Stops accepting and lets what is in flight finish; after `drainMs` the rest is cut.
   *
   * @returns how many connections had to be cut
   */
  close(drainMs: number): Promise<number>
}

export interface ListenerOptions {
  readonly listen: ListenOptions
  readonly handle: Handler
  /** A message that the parser refused before there was a request; answered, then the connection ends. */
  readonly refuse: (refusal: Refusal, socket: Socket) => Buffer
  /** The listener itself failed, while it listened; it goes on. */
  readonly failed: (error: Error) => void
}

/**
 * Accepts HTTP/1.1 within the limits and hands every request to the handler: with `Expect`, as CONNECT and with an
 * `Upgrade` too, which would otherwise have pipelines of their own (H1-3, HS-10, WS-1).
 */
export const createListener = ({ listen, handle, refuse, failed }: ListenerOptions): Listener => {
  const { timeouts, limits } = listen
  const parsing = {
    // Ours are the checks of Host and of the sizes, so that their refusals look like all others. The parser's own limit
    // is a backstop: it counts the target as header bytes (H1-5).
    requireHostHeader: false,
    maxHeaderSize:
      limits.headerSize === 0 ? unlimited : limits.headerSize + (limits.targetSize || unlimited / 2) + slack,
    headersTimeout: timeouts.headerMs,
    requestTimeout: 0,
    keepAliveTimeout: timeouts.idleMs,
    connectionsCheckingInterval: Math.min(1000, timeouts.headerMs || 1000),
    insecureHTTPParser: false,
    noDelay: true,
  }
  const { server, endHandshakes } = listen.tls
    ? createTlsServer(parsing, listen.tls, timeouts.headerMs)
    : { server: createServer(parsing), endHandshakes: () => undefined }
  // How to give up those whose content is still to come.
  const unfinished = new WeakMap<ServerResponse, Cancel>()
  const pipelined = new WeakMap<Socket, Set<ServerResponse>>()
  const take = (request: IncomingMessage, response: ServerResponse, expects: Expectation): void => {
    if (response.socket === null) remember(pipelined, request.socket, response)
    const cancel = handle(request, response, expects)
    if (cancel) unfinished.set(response, cancel)
  }
  server.on('request', (request, response) => take(request, response, 'nothing'))
  server.on('checkContinue', (request: IncomingMessage, response: ServerResponse) =>
    take(request, response, expectationOf(request)),
  )
  server.on('checkExpectation', (request: IncomingMessage, response: ServerResponse) =>
    take(request, response, expectationOf(request)),
  )
  const given = new Set<Socket>()
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
      for (const answer of pipelined.get(socket) ?? []) answer.destroy()
    })
    socket.resume()
    const owed = answerUnderWay(socket)
    if (owed) endAfter(owed, socket)
    else endWith(refuse({ reason: 'method_not_implemented' }, socket), socket)
  })
  const faulty = new WeakSet<Socket>()
  /** Answers a request whose content is the fault as what it is; false: it is beyond that. */
  const giveUp = (answer: ServerResponse, error: Error): boolean => {
    const cancel = unfinished.get(answer)
    if (!cancel || answer.req.complete || answer.headersSent) return false
    cancel(parserRefusal(error, limits.headerSize))
    return true
  }
  server.on('clientError', (error: Error, socket: Socket) => {
    if (socket.destroyed) return
    if (isTlsFault(error)) {
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
    endWith(refuse(parserRefusal(error, limits.headerSize), socket), socket)
  })
  return {
    listen: async () => {
      const address = await bind(server, listen.host, listen.port)
      server.on('error', failed)
      return address
    },
    close: (drainMs) => {
      const closed = drain(server, given, drainMs)
      endHandshakes()
      return closed
    },
  }
}

/** Node takes every value that contains the word for `100-continue`. A client of HTTP/1.0 has no expectations (HS-11). */
const expectationOf = (request: IncomingMessage): Expectation => {
  if (request.httpVersionMinor === 0) return 'nothing'
  return request.headers.expect?.toLowerCase() === '100-continue' ? 'continue' : 'other'
}

const unlimited = 1024 * 1024
const slack = 4096

/** Node keeps those that wait for their turn on a connection to itself. */
const remember = (pipelined: WeakMap<Socket, Set<ServerResponse>>, socket: Socket, response: ServerResponse): void => {
  const waiting = pipelined.get(socket) ?? new Set()
  pipelined.set(socket, waiting.add(response))
  response.once('close', () => waiting.delete(response))
}

const endWith = (answer: Buffer, socket: Socket): void => {
  socket.end(answer)
  // The answer is flushed by then, or the client does not read it.
  setTimeout(() => socket.destroy(), 1000).unref()
}

/**
 * Ends the connection after this answer and those of the requests that were pipelined behind it.
 *
 * @param reached called for each of those when its turn has come
 */
const endAfter = (
  answer: ServerResponse,
  socket: Socket,
  reached: (next: ServerResponse) => void = () => undefined,
): void => {
  answer.once('finish', () => {
    // By now Node has given the connection to the next one.
    const next = answerUnderWay(socket)
    if (!next || next === answer) {
      socket.destroySoon()
      return
    }
    endAfter(next, socket, reached)
    reached(next)
  })
}

/** The answer that the connection waits for, begun or not. */
const answerUnderWay = (socket: Socket): ServerResponse | undefined => {
  const message: unknown = Reflect.get(socket, '_httpMessage')
  return message instanceof ServerResponse ? message : undefined
}

/** What llhttp found, as a refusal; by code, never by message. */
const parserRefusal = (error: Error, headerSize: number): Refusal => {
  const code = 'code' in error ? error.code : undefined
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return { reason: 'header_too_large', limit: headerSize }
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return { reason: 'request_timeout' }
    case 'HPE_INVALID_METHOD':
      return { reason: 'method_not_implemented' }
    case 'HPE_INVALID_VERSION':
      return { reason: 'version_unsupported' }
    default:
      return { reason: 'request_malformed', fault: typeof code === 'string' ? code : 'not an HTTP message' }
  }
}

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

/**
 * `server.close()` alone leaves sockets that were busy at that instant open until they idle out (OP-3).
 *
 * @param given connections that Node waits for, but no longer cuts
 */
const drain = (server: Server, given: ReadonlySet<Socket>, drainMs: number): Promise<number> =>
  new Promise((resolve) => {
    let cut = 0
    const sweep = setInterval(() => server.closeIdleConnections(), 100)
    const limit = setTimeout(() => {
      server.getConnections((_error, open) => {
        cut = open ?? 0
        server.closeAllConnections()
        for (const socket of given) socket.destroy()
      })
    }, drainMs)
    server.close(() => {
      clearInterval(sweep)
      clearTimeout(limit)
      resolve(cut)
    })
    server.closeIdleConnections()
  })
