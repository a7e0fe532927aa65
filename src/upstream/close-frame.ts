/**
 * 1008: the token has expired. 1001: too quiet, too old, or the gateway goes away (RFC 6455 section 7.4.1). 1012: what it
 * was let in by has changed, and who comes again is judged anew (the registry of RFC 6455 section 11.7: service restart).
 */
export type CloseCode = 1001 | 1008 | 1012

/**
 * A whole Close frame (RFC 6455 section 5.5.1).
 *
 * @param mask four octets nobody can guess: what a server reads must be masked (section 5.3); undefined: to a client
 */
export const closeFrame = (code: CloseCode, mask?: Uint8Array): Buffer => {
  const [high, low] = [code >> 8, code & 0xff]
  if (!mask) return Buffer.from([final | close, 2, high, low])
  return Buffer.from([final | close, masked | 2, ...mask, high ^ (mask[0] ?? 0), low ^ (mask[1] ?? 0)])
}

const final = 0x80
const close = 0x8
const masked = 0x80
