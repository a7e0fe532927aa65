import { once } from 'node:events'
import { type AddressInfo, connect as connectTcp, type Socket } from 'node:net'
import { Duplex } from 'node:stream'
import type { TestContext } from 'node:test'
import { type ConnectionOptions, connect, createServer, type TLSSocket } from 'node:tls'
import { type Conversation, conversationOn } from './conversation.ts'
import { type Identity, issue } from './tls.ts'

/** A conversation over TLS. */
export interface TlsConversation extends Conversation {
  readonly socket: TLSSocket
  /** The sessions that the server gave so far, for another connection to resume. */
  readonly sessions: readonly Buffer[]
}

/**
 * Resolves when the handshake is over for the client, or failed. In TLS 1.3 the server may refuse the client's
 * certificate after that.
 *
 * @param ca who signed the server's certificate, which is checked
 * @param own the client's certificate
 */
export const converseOverTls = async (
  t: TestContext,
  port: number,
  ca: Identity,
  { own, ...options }: ConnectionOptions & { readonly own?: Identity } = {},
): Promise<TlsConversation> => {
  const identity = own ? { cert: own.cert, key: own.key } : {}
  const socket = connect({ port, host: '127.0.0.1', ca: ca.cert, ...identity, ...options })
  const sessions: Buffer[] = []
  socket.on('session', (session) => sessions.push(session))
  const conversation = conversationOn(t, socket)
  await new Promise((resolve) => socket.once('secureConnect', resolve).once('close', resolve))
  return { ...conversation, socket, sessions }
}

/**
 * The server's end of a connection whose client showed a certificate.
 *
 * @param ca who should have signed that
 */
export const acceptedOverTls = async (t: TestContext, own: Identity, ca?: Identity): Promise<TLSSocket> => {
  const { cert, key } = issue('server')
  const server = createServer({ cert, key, ca: ca?.cert, requestCert: true, rejectUnauthorized: false })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const client = connect({ port, host: '127.0.0.1', ca: cert, cert: own.cert, key: own.key })
  client.on('error', () => client.destroy())
  const [accepted] = await once(server, 'secureConnection')
  t.after(() => {
    client.destroy()
    server.close()
  })
  return accepted
}

/** A connection that sends everything one octet a segment. */
export const dripping = async (t: TestContext, port: number): Promise<Duplex> => {
  const inner: Socket = connectTcp({ port, host: '127.0.0.1', noDelay: true })
  await once(inner, 'connect')
  t.after(() => inner.destroy())
  const outer = new Duplex({
    read: () => inner.resume(),
    write: (chunk: Buffer, _encoding, done) => {
      const next = (at: number): void => {
        if (at === chunk.length) done()
        else inner.write(chunk.subarray(at, at + 1), () => setImmediate(next, at + 1))
      }
      next(0)
    },
    final: (done) => inner.end(done),
  })
  inner.on('data', (chunk) => outer.push(chunk) || inner.pause())
  inner.on('end', () => outer.push(null))
  inner.on('error', () => outer.destroy())
  inner.on('close', () => outer.destroy())
  return outer
}
