import { type AddressInfo, createServer, type Server, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** One replica of an upstream that misbehaves until it is mended. */
export interface FaultyReplica {
  readonly url: string
  /** Requests for {@link faultPath} of which the head has come, over all connections. */
  asked(): number
  /** From now on it is an upstream like any other. */
  mend(): void | Promise<void>
}

/** A request for {@link faultPath}, and the connection that it came on. */
export interface Visit {
  readonly socket: Socket
  /** Of the replica, from 0. */
  readonly connection: number
  /** Such requests that came before, at this replica. */
  readonly before: number
  /** Latin1. */
  say(text: string): void
  /** Says one text after the other, so many milliseconds apart, while the connection lasts; then `over`. */
  drip(texts: Iterable<string>, everyMs: number): void
  /** Answers as a good upstream does, when all of the content has come. */
  answer(): void
  /** The next request on the connection is taken: what there was to say was said. */
  over(): void
  /** Once so many octets of the content have come. */
  afterContent(octets: number, then: () => void): void
}

/** What a replica does, until it is mended. */
export interface Misbehaviour {
  /** With a connection, before any request. True: nothing else happens on it. */
  readonly connected?: (socket: Socket, connection: number) => boolean
  /** With a request for {@link faultPath}; on the same connection nothing is answered by itself until `answer`. */
  readonly asked?: (visit: Visit) => void
  /** With what is asked for below {@link primerPath}, before the fault. */
  readonly primed?: (visit: Visit) => void
  /** With what is asked for under {@link healthPath}. */
  readonly health?: (visit: Visit) => void
}

/** Where it misbehaves. */
export const faultPath = '/fault'
/** Below this are the requests that go before. */
export const primerPath = '/primed/'
/** Where its health is asked for. */
export const healthPath = '/healthz'

/** What an upstream answers that has no fault: the path that it was asked for. */
export const wellAnswer = (method: string, path: string): string =>
  `HTTP/1.1 200 OK\r\nContent-Length: ${path.length}\r\n\r\n${method === 'HEAD' ? '' : path}`

/**
 * Serves the connections of a server, which is closed with the test. All requests but those it misbehaves at are answered
 * with {@link wellAnswer}.
 */
export const misbehaveOn = (
  t: TestContext,
  server: { on(event: string, listener: (socket: Socket) => void): unknown },
  event: 'connection' | 'secureConnection',
  { connected, asked = orderly, primed = orderly, health = orderly }: Misbehaviour,
) => {
  const sockets = new Set<Socket>()
  let well = false
  let faults = 0
  let connections = 0
  t.after(() => {
    for (const socket of sockets) socket.destroy()
  })
  const serve = (socket: Socket, connection: number): void => {
    let heard = ''
    let content = 0
    let busy = false
    let waiting: (() => void) | undefined
    const take = (): void => {
      if (content > 0) {
        const taken = Math.min(content, heard.length)
        content -= taken
        heard = heard.slice(taken)
        waiting?.()
      }
      if (busy || content > 0) return
      const [head, method = '', path = ''] = /^([A-Z]+) (\S+) HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/.exec(heard) ?? []
      if (head === undefined) return
      heard = heard.slice(head.length)
      const length = Number(/\r\ncontent-length: *(\d+)/i.exec(head)?.[1] ?? 0)
      content = length
      busy = true
      const before = path === faultPath ? faults++ : 0
      const visit: Visit = {
        socket,
        connection,
        before,
        say: (text) => {
          if (socket.writable) socket.write(text, 'latin1')
        },
        drip: (texts, everyMs) => {
          const all = texts[Symbol.iterator]()
          const timer = setInterval(() => {
            const { done, value } = all.next()
            if (!done) return visit.say(value)
            clearInterval(timer)
            visit.over()
          }, everyMs)
          socket.on('close', () => clearInterval(timer))
        },
        answer: () => {
          const reply = (): void => {
            if (content > 0) return
            visit.say(wellAnswer(method, path))
            visit.over()
          }
          waiting = reply
          reply()
        },
        over: () => {
          waiting = undefined
          busy = false
          take()
        },
        afterContent: (octets, then) => {
          waiting = () => {
            if (length - content < octets) return
            waiting = undefined
            then()
          }
        },
      }
      const misbehave = path === faultPath ? asked : path === healthPath ? health : primed
      if (well || (misbehave === primed && !path.startsWith(primerPath))) visit.answer()
      else misbehave(visit)
      // The content may have come with the head.
      if (content > 0) take()
    }
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      take()
    })
  }
  server.on(event, (socket) => {
    sockets.add(socket)
    socket.on('error', () => socket.destroy())
    socket.on('close', () => sockets.delete(socket))
    const connection = connections++
    if (!well && connected?.(socket, connection)) return
    serve(socket, connection)
  })
  return {
    asked: () => faults,
    mend: () => {
      well = true
    },
    /** Resets what is open. */
    cut: () => {
      for (const socket of sockets) socket.resetAndDestroy()
    },
  }
}

const orderly = (visit: Visit): void => visit.answer()

/** Binds a server to a port of 127.0.0.1, any one unless told; closed with the test. */
export const bind = async (t: TestContext, server: Server, port = 0): Promise<number> => {
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject)
    server.listen(port, '127.0.0.1', resolve)
  })
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

/** A replica over TCP. */
export const overTcp =
  (misbehaviour: Misbehaviour) =>
  async (t: TestContext): Promise<FaultyReplica> => {
    const server = createServer()
    const { asked, mend } = misbehaveOn(t, server, 'connection', misbehaviour)
    return { url: `http://127.0.0.1:${await bind(t, server)}`, asked, mend }
  }

/** A replica that does this with every request for {@link faultPath}. */
export const whenAsked = (asked: (visit: Visit) => void) => overTcp({ asked })

/** A replica without a fault. */
export const inOrder = overTcp({})

/** Closes the connection. */
export const drop = ({ socket }: Visit): void => {
  socket.destroy()
}

/** Resets it. */
export const reset = ({ socket }: Visit): void => {
  socket.resetAndDestroy()
}

/** Says nothing, and keeps it. */
export const silence = (): void => undefined

/** What an upstream says that no client may hear. */
export const secret = 'the-upstreams-own-words'

/** An answer that nobody asked for. */
export const evil = `HTTP/1.1 200 OK\r\nContent-Length: ${secret.length}\r\n\r\n${secret}`
