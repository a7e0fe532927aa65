import type { Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { certificateFiles } from './certificate-files.ts'
import type { Fault } from './fault-case.ts'
import { late, lost, told, unreachable } from './fault-outcomes.ts'
import { overTls } from './faulty-connections.ts'
import { issue } from './tls.ts'

/** What goes wrong before there is a TLS connection, or with it. */
export const tlsFaults = (t: TestContext): readonly Fault[] => {
  const authority = issue('authority', { ca: true })
  const right = issue('right', { by: authority })
  const files = certificateFiles(t)
  files.write('ca.pem', authority.cert)
  const tls = { ca_file: files.path('ca.pem') }
  const entry = { tls }
  const yesterday = new Date(Date.now() - 24 * 3600 * 1000)
  const cannot = { entry, contacts: 0 }
  const handshake = (what: (socket: Socket) => void) => overTls({ shown: right, instead: what })
  return [
    told(
      'a TLS handshake that hangs',
      [handshake(() => undefined)],
      late('connect'),
      // Enough for the one that follows.
      { entry: { tls, timeouts: { connect: '1s' } }, contacts: 0 },
    ),
    told('a TLS handshake that ends', [handshake((socket) => void socket.end())], unreachable(/ECONNRESET$/), cannot),
    told(
      'a TLS handshake that is reset',
      [handshake((socket) => void socket.once('readable', () => socket.resetAndDestroy()))],
      unreachable(/ECONNRESET$/),
      cannot,
    ),
    told(
      'plain HTTP instead of TLS',
      [handshake((socket) => void socket.write('HTTP/1.1 400 Bad Request\r\nContent-Length: 0\r\n\r\n'))],
      unreachable(/ERR_SSL_[A-Z_]+$/),
      cannot,
    ),
    told(
      'TLS instead of plain HTTP',
      [overTls({ shown: right, scheme: 'http' })],
      { ...unreachable(/not an HTTP\/1\.1 message|closed the connection/), reason: 'upstream_invalid' },
      { contacts: 0, mends: false },
    ),
    told(
      'a certificate that nobody vouches for',
      [overTls({ shown: issue('nobody'), right })],
      unreachable(/DEPTH_ZERO_SELF_SIGNED_CERT$/),
      cannot,
    ),
    told(
      'a certificate of another authority',
      [overTls({ shown: issue('other', { by: issue('authority', { ca: true }) }), right })],
      unreachable(/CERT_SIGNATURE_FAILURE|UNABLE_TO_VERIFY_LEAF_SIGNATURE/),
      cannot,
    ),
    told(
      'a certificate that has expired',
      [overTls({ shown: issue('old', { by: authority, notAfter: yesterday }), right })],
      unreachable(/CERT_HAS_EXPIRED$/),
      cannot,
    ),
    told('a certificate for another name', [overTls({ shown: right })], unreachable(/ERR_TLS_CERT_ALTNAME_INVALID$/), {
      entry: { tls: { ...tls, server_name: 'elsewhere.test' } },
      contacts: 0,
      mends: false,
    }),
    // Node's servers do not say why: in TLS 1.3 the request is on its way when they end it.
    told(
      'a certificate of ours is asked for, and there is none',
      [overTls({ shown: right, asks: authority.cert })],
      lost,
      { entry, contacts: 0, mends: false },
    ),
    told(
      'a certificate that nobody vouches for at one of two: what never left goes to the other',
      [overTls({ shown: issue('nobody'), right }), overTls({ shown: right })],
      { status: 200, reason: 'none', detail: '', content: '/fault', broken: false },
      { entry, asking: 'POST' },
    ),
  ]
}
