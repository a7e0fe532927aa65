import type { Refusal } from '../decision/refusal.ts'

/**
 * What an error of undici, or of the socket below it, means for the client (ER-1): by code, never by message. The code
 * is a word of the platform and goes along as `fault`; an unknown one is the upstream's doing.
 *
 * @param left whether there was a connection, and the request had begun to go
 */
export const refusalOf = (error: unknown, left: boolean): Refusal => {
  // undici's parser error has a code by its type, but none at run time (8.12.4).
  if (isParserError(error)) return { reason: 'upstream_invalid', fault: notHttp }
  const code = codeOf(error)
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    // The name servers did not answer (`dns_timeout`, RFC 9209 section 2.3.1). ENOTFOUND is their answer.
    case 'EAI_AGAIN':
      return { reason: 'upstream_timeout', phase: 'connect' }
    case 'ETIMEDOUT':
      return { reason: 'upstream_timeout', phase: left ? 'response' : 'connect' }
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { reason: 'upstream_timeout', phase: 'response' }
    case 'UND_ERR_BODY_TIMEOUT':
      return { reason: 'upstream_timeout', phase: 'idle' }
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_RESPONSE':
      return { reason: 'upstream_invalid', fault: code }
    // What we made of the request, and our own end.
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_ABORTED':
    case 'UND_ERR_DESTROYED':
    case 'UND_ERR_CLOSED':
    // The limits of our own process and machine.
    case 'EMFILE':
    case 'ENFILE':
    case 'ENOBUFS':
    case 'ENOMEM':
      return { reason: 'internal', fault: code }
    default:
      if (left && lostCodes.has(code)) return lost
      return {
        reason: isUnreachable(code, left) ? 'upstream_unreachable' : 'upstream_invalid',
        fault: code || 'unknown',
      }
  }
}

/** In TLS 1.3 a server says what it thinks of our certificate when the first request is on its way already. */
const isUnreachable = (code: string, left: boolean): boolean => !left || code.startsWith('ERR_SSL_')

/** Whether it is the connection that was lost, and not an answer that was late or invalid. */
export const isLost = (refusal: Refusal): boolean => refusal === lost

/** In one word, for the operator. */
export const faultOf = (error: unknown): string => (isParserError(error) ? notHttp : codeOf(error) || 'unknown')

const notHttp = 'not an HTTP/1.1 message'

const lost: Refusal = { reason: 'upstream_invalid', fault: 'closed the connection before it had answered' }

/** How a connection ends under a request. Before the request had begun to go, there was none to speak of. */
const lostCodes: ReadonlySet<string> = new Set([
  'UND_ERR_SOCKET',
  'ECONNRESET',
  'ECONNABORTED',
  'EPIPE',
  'ENETRESET',
  'ENETDOWN',
  'ENETUNREACH',
  'EHOSTDOWN',
  'EHOSTUNREACH',
])

const isParserError = (error: unknown): boolean => error instanceof Error && error.name === 'HTTPParserError'

/** `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED` …; a word of the platform, never text from a peer. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? '' : codeOf(error.cause)
}
