import { isIP, Socket } from 'node:net'
import { checkServerIdentity, createSecureContext } from 'node:tls'
import { buildConnector } from 'undici'
import type { ReplicaOptions, UpstreamTls } from './options.ts'

/** Makes one connection: TCP, a Unix domain socket, or TLS over TCP. Returns what is to become of it, to be destroyed. */
export type Connector = (...asked: Parameters<buildConnector.connector>) => Socket | undefined

/**
 * TLS is 1.2 or later, and the certificate is always verified: against `tls.ca` or what the platform trusts, for
 * `tls.serverName` or the host of the replica, whatever a request has in `Host` (FW-11). Costs nothing until it is used.
 *
 * @param connectMs for the connection and the TLS handshake together
 * @param tls files already vetted; a connector does not follow their changes, and shares no TLS session with another
 */
export const createConnector = (
  replica: Pick<ReplicaOptions, 'origin' | 'socketPath'>,
  connectMs: number,
  tls: UpstreamTls | undefined,
): Connector => {
  let connect: buildConnector.connector | undefined
  if (!replica.origin.startsWith('https:')) {
    return (options, callback) => {
      connect ??= buildConnector({ socketPath: replica.socketPath ?? null, timeout: connectMs })
      return begun(connect(options, visiblyCut(callback)))
    }
  }
  const name = tls?.serverName ?? new URL(replica.origin).hostname.replace(/^\[|\]$/g, '')
  // SNI has no addresses (RFC 6066 section 3); they are verified all the same.
  const servername = isIP(name) === 0 ? name : ''
  const secured = (): buildConnector.connector =>
    buildConnector({
      timeout: connectMs,
      // An h2 connection would carry many requests at a time (H1-20).
      allowH2: false,
      // Said aloud, so that no environment variable can turn it off.
      rejectUnauthorized: true,
      checkServerIdentity: (_, certificate) => checkServerIdentity(name, certificate),
      secureContext: createSecureContext({
        minVersion: 'TLSv1.2',
        ca: tls?.ca,
        cert: tls?.certificate,
        key: tls?.key,
      }),
    })
  return (options, callback) => {
    // The files are parsed once, not for every connection.
    connect ??= secured()
    // undici would take the name from the request's `Host`.
    return begun(connect({ ...options, servername }, visiblyCut(callback)))
  }
}

/** undici returns the socket, whatever its types say. */
const begun = (made: unknown): Socket | undefined => (made instanceof Socket ? made : undefined)

/**
 * undici takes a reset for the end of an answer that goes on until the connection ends, and hands it on as whole (8.12.4;
 * H1-21). Under another name of the platform for a broken connection it is what it is.
 */
const visiblyCut =
  (callback: buildConnector.Callback): buildConnector.Callback =>
  (...made) => {
    const [, socket] = made
    socket?.prependListener('error', (error: NodeJS.ErrnoException) => {
      if (error.code === 'ECONNRESET') error.code = 'ECONNABORTED'
    })
    callback(...made)
  }
