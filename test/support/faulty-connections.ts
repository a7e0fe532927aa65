import { createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { createServer as createTlsServer } from 'node:tls'
import { startBlockedListener } from './blocked-listener.ts'
import { bind, type FaultyReplica, type Misbehaviour, misbehaveOn } from './faulty-upstream.ts'
import { freePort } from './free-port.ts'
import type { Identity } from './tls.ts'

/** Nobody listens; mended, somebody does. */
export const refusing = async (t: TestContext): Promise<FaultyReplica> => {
  const port = await freePort()
  const server = createServer()
  const { asked } = misbehaveOn(t, server, 'connection', {})
  return { url: `http://127.0.0.1:${port}`, asked, mend: async () => void (await bind(t, server, port)) }
}

/** The kernel lets nobody in, and never will. */
export const blocked = async (t: TestContext): Promise<FaultyReplica> => ({
  url: `http://127.0.0.1:${await startBlockedListener(t)}`,
  asked: () => 0,
  mend: () => undefined,
})

/** A name that nobody has (RFC 6761 section 6.4), and never will. */
export const nameless = (): Promise<FaultyReplica> =>
  Promise.resolve({ url: 'http://no-such-host.invalid', asked: () => 0, mend: () => undefined })

interface Tls extends Misbehaviour {
  /** Shown until it is mended. */
  readonly shown: Pick<Identity, 'cert' | 'key'>
  /** Shown from then on; undefined: it cannot be mended. */
  readonly right?: Pick<Identity, 'cert' | 'key'>
  /** A certificate of the client is asked for, and one that this authority did not sign ends the connection. */
  readonly asks?: string
  /** What happens to a connection instead of a TLS handshake. */
  readonly instead?: (socket: Socket) => void
  /** `http`, although the port speaks TLS. */
  readonly scheme?: 'http' | 'https'
}

/** A replica over TLS 1.3. */
export const overTls =
  ({ shown, right, asks, instead, scheme = 'https', ...misbehaviour }: Tls) =>
  async (t: TestContext): Promise<FaultyReplica> => {
    const client = asks === undefined ? {} : { requestCert: true, rejectUnauthorized: true, ca: asks }
    const server = createTlsServer({ cert: shown.cert, key: shown.key, ...client })
    const { asked, mend } = misbehaveOn(t, server, 'secureConnection', misbehaviour)
    server.on('tlsClientError', (_, socket) => socket.destroy())
    const handshake = server.listeners('connection')
    const sockets = new Set<Socket>()
    let well = false
    server.removeAllListeners('connection')
    server.on('connection', (socket: Socket) => {
      sockets.add(socket)
      if (!well && instead) {
        socket.on('error', () => socket.destroy())
        instead(socket)
      } else for (const listener of handshake) Reflect.apply(listener, server, [socket])
    })
    t.after(() => {
      for (const socket of sockets) socket.destroy()
    })
    return {
      url: `${scheme}://127.0.0.1:${await bind(t, server)}`,
      asked,
      mend: () => {
        well = true
        if (right) server.setSecureContext({ cert: right.cert, key: right.key })
        mend()
      },
    }
  }
