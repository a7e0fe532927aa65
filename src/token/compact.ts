import type { Outcome } from '../decision/refusal.ts'
import { pass } from '../decision/refusal.ts'
import { type JoseHeader, readHeader } from './header.ts'
import { type JsonObject, readJsonObject } from './json.ts'
import { malformed } from './malformed.ts'

/** What a signed token says of itself. Nothing of it is proven yet. */
export interface Unproven {
  readonly header: JoseHeader
  readonly claims: JsonObject
}

/** What a credential is by its number of dots: compact JWS, compact JWE, or something that only its issuer can read. */
export const formOf = (token: string): 'signed' | 'encrypted' | 'opaque' => {
  const dots = countDots(token)
  return dots === 2 ? 'signed' : dots === 4 ? 'encrypted' : 'opaque'
}

/**
 * Reads a compact JWS, once and strictly (JO-14 to JO-18). Refuses with `token_malformed`. An empty signature passes here
 * and fails as a signature (AT-7). Assumes two dots ({@link formOf}). Proves nothing.
 *
 * Every string that passes is the only spelling of its three byte sequences, so the string may serve as the identity of
 * these bytes (JO-16). It is not the identity of the claims: a second valid ECDSA signature makes a second string.
 */
export const readCompact = (token: string): Outcome<Unproven> => {
  if (!isCompactText(token)) return malformed('a character outside A-Z a-z 0-9 - _ .')
  const first = token.indexOf('.')
  const second = token.lastIndexOf('.')
  const header = token.slice(0, first)
  const payload = token.slice(first + 1, second)
  if (!(isCanonical(header) && isCanonical(payload) && isCanonical(token.slice(second + 1)))) {
    return malformed('a part is not canonical base64url')
  }
  const members = readJsonObject(Buffer.from(header, 'base64url'), 'header')
  if (!members.ok) return members
  const read = readHeader(members.value)
  if (!read.ok) return read
  const claims = readJsonObject(Buffer.from(payload, 'base64url'), 'claims')
  if (!claims.ok) return claims
  return pass({ header: read.value, claims: claims.value })
}

/** Whether a text holds nothing but the base64url alphabet and dots (JO-14): no padding, no white space, no comma. */
export const isCompactText = (text: string): boolean => !/[^A-Za-z0-9_.-]/.test(text)

/** 5 stands for every number above four, so that a token of dots only costs nothing. */
const countDots = (token: string): number => {
  let dots = 0
  for (let at = token.indexOf('.'); at >= 0 && dots < 5; at = token.indexOf('.', at + 1)) dots++
  return dots
}

/**
 * base64url without padding whose unused trailing bits are zero (RFC 4648 section 3.5): with other bits the same bytes
 * would have up to 16 spellings (JO-16). Assumes the alphabet.
 */
export const isCanonical = (part: string): boolean => {
  const last = part.charAt(part.length - 1)
  switch (part.length % 4) {
    case 0:
      return true
    case 2:
      return 'AQgw'.includes(last)
    case 3:
      return 'AEIMQUYcgkosw048'.includes(last)
    default:
      return false
  }
}
