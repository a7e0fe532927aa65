import type { Refusal } from '../decision/refusal.ts'

/**
 * What an error of undici, or of the socket below it, means for the client (ER-1): by code, never by message. An
 * unknown code is the upstream's fault; `UND_ERR_INVALID_ARG` is our own.
 *
 * @param left whether there was a connection, and the request had begun to go
 */
export const refusalOf = (error: unknown, left: boolean): Refusal => {
  // undici's parser error has a code by its type, but none at run time (8.12.4).
  if (error instanceof Error && error.name === 'HTTPParserError') {
    return { reason: 'upstream_invalid', fault: 'not an HTTP/1.1 message' }
  }
  const code = codeOf(error)
  switch (code) {
    case 'UND_ERR_CONNECT_TIMEOUT':
    case 'ETIMEDOUT':
      return { reason: 'upstream_timeout', phase: 'connect' }
    case 'UND_ERR_HEADERS_TIMEOUT':
      return { reason: 'upstream_timeout', phase: 'response' }
    case 'UND_ERR_BODY_TIMEOUT':
      return { reason: 'upstream_timeout', phase: 'idle' }
    case 'UND_ERR_HEADERS_OVERFLOW':
    case 'UND_ERR_RES_CONTENT_LENGTH_MISMATCH':
    case 'UND_ERR_RESPONSE':
      return { reason: 'upstream_invalid', fault: code }
    case 'UND_ERR_SOCKET':
    case 'ECONNRESET':
    case 'EPIPE':
      return { reason: 'upstream_invalid', fault: 'closed the connection before it had answered' }
    case 'UND_ERR_INVALID_ARG':
    case 'UND_ERR_NOT_SUPPORTED':
    case 'UND_ERR_REQ_CONTENT_LENGTH_MISMATCH':
      return { reason: 'internal' }
    default:
      return { reason: left ? 'upstream_invalid' : 'upstream_unreachable', fault: code === '' ? 'unknown' : code }
  }
}

/** `ECONNREFUSED`, `ENOTFOUND`, `CERT_HAS_EXPIRED` …; a word of the platform, never text from a peer. */
const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  return error.cause === undefined ? '' : codeOf(error.cause)
}
