import type { Refusal } from '../decision/refusal.ts'
import type { ListenOptions } from './options.ts'

/** What the parser found, as a refusal; by its code, never by its message. */
export const parserRefusal = (
  error: Error,
  { headerSize, targetSize }: Pick<ListenOptions['limits'], 'headerSize' | 'targetSize'>,
): Refusal => {
  const code = 'code' in error ? error.code : undefined
  switch (code) {
    case 'HPE_HEADER_OVERFLOW':
      return targetSize > 0 && inTarget(error)
        ? { reason: 'target_too_long', limit: targetSize }
        : { reason: 'header_too_large', limit: headerSize }
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

/**
 * Whether what was too long is the target, by the bytes that broke the limit: a start of a message whose first line does
 * not end. Of a target that came in pieces these show nothing; that is a head which is too long.
 */
const inTarget = (error: Error): boolean =>
  'rawPacket' in error && error.rawPacket instanceof Buffer && lineThatGoesOn.test(error.rawPacket.toString('latin1'))

const lineThatGoesOn = /^(?:\r\n)*[A-Z-]{1,32} [^ \r\n]*$/
