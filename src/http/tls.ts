import { constants, X509Certificate } from 'node:crypto'
import type { ServerOptions } from 'node:http'
import { createServer, type Server } from 'node:https'
import type { Socket } from 'node:net'
import type { SecureContextOptions, TLSSocket } from 'node:tls'
import type { TlsOptions } from './options.ts'

/** An HTTP server behind TLS. */
export interface TlsServer {
  readonly server: Server
  /** Ends the connections whose handshake is under way: nothing was asked on them, and the HTTP server knows none. */
  endHandshakes(): void
  /**
   * New handshakes show this certificate, and believe these CAs; open connections go on with what they began with. The
   * keys of session tickets are new too, so that no session of the old certificate is resumed. Throws what OpenSSL says
   * of a certificate or key that is none, or of two that do not belong together: then the old one stays.
   */
  setCertificate(certificate: Certificate): void
}

/** What may change while the server runs. */
export type Certificate = Pick<TlsOptions, 'certificate' | 'key' | 'clientCa'>

/**
 * TLS 1.2 and 1.3 in front of HTTP/1.1. A handshake that fails, or is not over in time, ends its connection and nothing
 * else: there is no request to answer or to log. Where a client certificate is required, no request is read from a
 * connection without a {@link believedCertificate}.
 *
 * @param handshakeMs for the whole handshake, however it drips in
 */
export const createTlsServer = (http: ServerOptions, tls: TlsOptions, handshakeMs: number): TlsServer => {
  const asked = tls.clientCertificates !== 'ignore'
  let believed: Pick<TlsOptions, 'clientCa'> = tls
  const server = createServer({
    ...http,
    ...contextOf(tls, asked),
    ALPNProtocols: ['http/1.1'],
    requestCert: asked,
    // Whom to let in is decided below: a certificate that nobody vouches for is still a proof of possession.
    rejectUnauthorized: false,
    handshakeTimeout: handshakeMs,
  })
  // Node would hand these on as faulty HTTP messages, each with an answer and a record.
  server.removeAllListeners('tlsClientError')
  server.on('tlsClientError', (_error, socket) => socket.destroy())
  const handshaking = new Map<string, Socket>()
  server.on('connection', (socket: Socket) => {
    const end = endOf(socket)
    handshaking.set(end, socket)
    socket.once('close', () => {
      if (handshaking.get(end) === socket) handshaking.delete(end)
    })
  })
  // Before Node's own listener, which begins to read requests.
  server.prependListener('secureConnection', (socket) => {
    const end = endOf(socket)
    resetThrough(socket, handshaking.get(end))
    handshaking.delete(end)
    if (tls.clientCertificates === 'require' && !believedCertificate(socket, believed)) socket.destroy()
  })
  return {
    server,
    endHandshakes: () => {
      for (const socket of handshaking.values()) socket.destroy()
    },
    setCertificate: (certificate) => {
      server.setSecureContext(contextOf(certificate, asked))
      believed = certificate
    },
  }
}

const contextOf = ({ certificate, key, clientCa }: Certificate, asked: boolean): SecureContextOptions => ({
  cert: certificate,
  key,
  ca: clientCa,
  minVersion: 'TLSv1.2',
  honorCipherOrder: true,
  // A resumed session does carry the certificate, but the chain is not looked at again: it would outlive the
  // certificate and its CA. Without tickets Node, which keeps no sessions, has nothing to resume (MT-7).
  secureOptions: constants.SSL_OP_NO_RENEGOTIATION | (asked ? constants.SSL_OP_NO_TICKET : 0),
})

/**
 * The certificate that the client proved to have the key of. With `clientCa`, one that they did not sign, or no longer
 * vouch for, counts as none; without it nobody looks at who signed it (MT-3).
 */
export const believedCertificate = (
  socket: TLSSocket,
  { clientCa }: Pick<TlsOptions, 'clientCa'>,
): X509Certificate | undefined =>
  clientCa === undefined || socket.authorized ? socket.getPeerX509Certificate() : undefined

/** Whether it is the encryption that broke: then nothing that is written would arrive. */
export const isTlsFault = (error: Error): boolean =>
  'code' in error && typeof error.code === 'string' && error.code.startsWith('ERR_SSL_')

/** When the first certificate of a PEM text ends, in seconds since the epoch. */
export const certificateNotAfter = (pem: string): number => new X509Certificate(pem).validToDate.getTime() / 1000

/** Node resets plain connections only: a socket of TLS throws. The one below can do it (H1-21). */
const resetThrough = (socket: TLSSocket, below: Socket | undefined): void => {
  socket.resetAndDestroy = () => {
    below?.resetAndDestroy()
    return socket.destroy()
  }
}

/** A connection before and after its handshake is two sockets, with one other end. */
const endOf = ({ remoteAddress, remotePort }: Socket): string => `${remoteAddress} ${remotePort}`
