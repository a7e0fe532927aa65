import { createHmac } from 'node:crypto'
import { equalTexts } from '../equal-texts.ts'

/** Nonces for DPoP proofs (RFC 9449 section 9) that nobody has to remember: all who share the secret agree on them. */
export interface Nonces {
  /** The one to give out. @param now seconds since the epoch */
  current(now: number): string
  /** Whether it was given out in this window or in the one before. In constant time (JO-29). */
  isFresh(nonce: string, now: number): boolean
}

/** Bytes: 144 bits cannot be guessed, and are a multiple of three. */
const NONCE_BYTES = 18

/**
 * The nonce of a window is the HMAC of its number. One counts for one to two windows, for every client: it proves that
 * the proof was not made long ahead (RFC 9449 section 11.2), nothing else.
 *
 * @param secret at least as long as the hash, 32 bytes (RFC 2104 section 3)
 */
export const createNonces = (secret: Uint8Array, windowMs: number): Nonces => {
  const windowOf = (now: number): number => Math.floor((now * 1000) / windowMs)
  const nonceOf = (window: number): string =>
    createHmac('sha256', secret)
      .update(`audgate dpop nonce ${window}`)
      .digest()
      .subarray(0, NONCE_BYTES)
      .toString('base64url')
  return {
    current: (now) => nonceOf(windowOf(now)),
    isFresh(nonce, now) {
      const window = windowOf(now)
      // The text and not what it decodes to: another spelling of a nonce is another nonce.
      return [window, window - 1].some((each) => equalTexts(nonce, nonceOf(each)))
    },
  }
}
