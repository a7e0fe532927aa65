import { createPublicKey, hash, type JsonWebKey, type KeyObject } from 'node:crypto'
import { isCanonical } from '../compact.ts'

/** The public key that a proof brings with it. Well formed; that it is a key at all only {@link importProofKey} finds. */
export interface ProofKey {
  /** Its RFC 7638 SHA-256 thumbprint, in base64url. */
  readonly thumbprint: string
  /** The required members alone: what else the proof says of its key counts for nothing. */
  readonly jwk: JsonWebKey
}

type Reading = { readonly ok: true; readonly value: ProofKey } | { readonly ok: false; readonly fault: string }

/** DP-5, with those of RFC 7518 section 6 that no example names. */
const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/** Which key an algorithm takes (RFC 7518 section 3.1, RFC 8037, RFC 9864). No MAC is here and none can be (DP-4). */
const shapes: ReadonlyMap<string, { readonly kty: 'RSA' } | { readonly kty: 'EC' | 'OKP'; crv: string; size: number }> =
  new Map([
    ['RS256', { kty: 'RSA' }],
    ['PS256', { kty: 'RSA' }],
    ['ES256', { kty: 'EC', crv: 'P-256', size: 32 }],
    ['ES384', { kty: 'EC', crv: 'P-384', size: 48 }],
    ['ES512', { kty: 'EC', crv: 'P-521', size: 66 }],
    ['EdDSA', { kty: 'OKP', crv: 'Ed25519', size: 32 }],
    ['Ed25519', { kty: 'OKP', crv: 'Ed25519', size: 32 }],
  ])

/**
 * Reads the `jwk` of a proof's header: a public key for just this algorithm, each member in its one spelling, so that a
 * key has one thumbprint. `fault` is a fixed phrase of ours, with nothing of the proof in it.
 */
export const readProofKey = (jwk: unknown, alg: string): Reading => {
  if (typeof jwk !== 'object' || jwk === null || Array.isArray(jwk)) return wrong('a jwk that is no object')
  const members: Readonly<Record<string, unknown>> = { __proto__: null, ...jwk }
  // Whoever sends it has given it away.
  if (privateMembers.some((name) => name in members)) return wrong('a jwk with a private member')
  const { kty, crv, x, y, n, e, use, alg: keyAlg } = members
  const shape = shapes.get(alg)
  if (shape === undefined || kty !== shape.kty) return wrong('a jwk of another kty than its algorithm needs')
  if (use !== undefined && use !== 'sig') return wrong('a jwk that is not for signatures')
  if (keyAlg !== undefined && keyAlg !== alg) return wrong('a jwk for another algorithm')
  if (shape.kty === 'RSA') {
    if (!isBase64url(n) || !isBase64url(e)) return wrong('a jwk without n and e in base64url')
    const fault = rsaFault(octets(n), octets(e))
    return fault === undefined ? right({ e, kty: 'RSA', n }) : wrong(fault)
  }
  const { kty: type, crv: curve, size } = shape
  if (crv !== curve) return wrong('a jwk of another crv than its algorithm needs')
  const isCoordinate = (value: unknown): value is string => isBase64url(value) && octets(value).length === size
  if (!isCoordinate(x)) return wrong('a jwk without x as long as its curve needs')
  if (type === 'OKP') return right({ crv: curve, kty: type, x })
  return isCoordinate(y) ? right({ crv: curve, kty: type, x, y }) : wrong('a jwk without y as long as its curve needs')
}

/** The key for use, or undefined: its values are out of range, such as a point that is not on the curve. */
export const importProofKey = ({ jwk }: ProofKey): KeyObject | undefined => {
  try {
    return createPublicKey({ key: jwk, format: 'jwk' })
  } catch {
    return undefined
  }
}

const wrong = (fault: string): Reading => ({ ok: false, fault })

/** RFC 7638 section 3: the required members in the order of their names, without white space. */
const right = (jwk: JsonWebKey): Reading => ({
  ok: true,
  value: { jwk, thumbprint: hash('sha256', JSON.stringify(jwk), 'base64url') },
})

const isBase64url = (value: unknown): value is string =>
  typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value) && isCanonical(value)

const octets = (text: string): Buffer => Buffer.from(text, 'base64url')

/** RFC 7518 sections 3.3 and 6.3.1. */
const rsaFault = (modulus: Buffer, exponent: Buffer): string | undefined => {
  // The fewest octets: with leading zeros one key would have many thumbprints.
  if (modulus[0] === 0 || exponent[0] === 0) return 'a jwk whose n or e begins with a zero octet'
  if (modulus.length < 256 || (modulus.length === 256 && (modulus[0] ?? 0) < 0x80)) {
    return 'a jwk whose n has less than 2048 bits'
  }
  // OpenSSL verifies with no longer one; a long exponent is as slow as signing, and 1 or an even one proves nothing.
  if (modulus.length > 2048) return 'a jwk whose n has more than 16384 bits'
  const isOdd = (exponent.at(-1) ?? 0) % 2 === 1
  const isOne = exponent.length === 1 && exponent[0] === 1
  return exponent.length > 8 || !isOdd || isOne ? 'a jwk whose e is 1, even or beyond 64 bits' : undefined
}
