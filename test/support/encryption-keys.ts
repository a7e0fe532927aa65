import { createPublicKey, generateKeyPairSync, type JsonWebKey, type KeyObject, randomBytes } from 'node:crypto'
import { CompactEncrypt, type JWK } from 'jose'
import type { DecryptionKeys } from '../../src/keys/decryption-keys.ts'
import { fitsHint, vetDecryptionKeys } from '../../src/keys/decryption-vet.ts'

/** A private or shared key as it stands in the gateway's JWKS file. */
export type PrivateJwk = JWK & { readonly kty: string }

export type KeyKind = 'RSA' | 'P-256' | 'P-384' | 'P-521' | 'X25519' | 'oct16' | 'oct32' | 'oct64'

/** A new key; RSA takes a tenth of a second, so make each once a file. */
export const createDecryptionJwk = (kind: KeyKind, members: Readonly<Record<string, unknown>> = {}): PrivateJwk => {
  if (kind.startsWith('oct')) {
    return { kty: 'oct', k: randomBytes(Number(kind.slice(3))).toString('base64url'), ...members }
  }
  const jwk = pairOf(kind).export({ format: 'jwk' })
  return { ...jwk, ...members } as PrivateJwk
}

const pairOf = (kind: KeyKind): KeyObject => {
  if (kind === 'RSA') return generateKeyPairSync('rsa', { modulusLength: 2048 }).privateKey
  if (kind === 'X25519') return generateKeyPairSync('x25519').privateKey
  return generateKeyPairSync('ec', { namedCurve: kind }).privateKey
}

/** With which a client encrypts: the public half, or the shared key itself. */
export const encryptionKeyOf = ({ kty, crv, n, e, x, y, k }: PrivateJwk): KeyObject | Uint8Array => {
  if (kty === 'oct') return Buffer.from(k ?? '', 'base64url')
  const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined)
  return createPublicKey({ key: Object.fromEntries(members) as JsonWebKey, format: 'jwk' })
}

export interface Encrypting {
  readonly key: PrivateJwk
  readonly alg: string
  readonly enc?: string
  /** Members over `{ alg, enc, cty: 'JWT', kid }`, `undefined` removes. */
  readonly header?: Readonly<Record<string, unknown>>
}

/** A JWE of that text, made as an issuer would, or an attacker who knows the public key. */
export const encrypt = async (
  plaintext: string | Uint8Array,
  { key, alg, enc = 'A256GCM', header = {} }: Encrypting,
): Promise<string> => {
  const bytes = typeof plaintext === 'string' ? new TextEncoder().encode(plaintext) : plaintext
  const members = Object.entries({ alg, enc, cty: 'JWT', kid: key.kid, ...header })
  return new CompactEncrypt(bytes)
    .setProtectedHeader(
      Object.fromEntries(members.filter(([, value]) => value !== undefined)) as { alg: string; enc: string },
    )
    .encrypt(encryptionKeyOf(key))
}

/** Decryption keys that hold what they are given, and can be made to change. */
export interface TestDecryptionKeys extends DecryptionKeys {
  replace(jwks: readonly PrivateJwk[]): void
}

export const decryptionKeys = (jwks: readonly PrivateJwk[]): TestDecryptionKeys => {
  let { keys } = vetDecryptionKeys(jwks)
  let generation = 0
  return {
    get generation() {
      return generation
    },
    started: Promise.resolve(),
    candidates: (hint) => keys.filter((key) => fitsHint(key, hint)).map(({ key }) => key),
    report: () => ({ keys: keys.length, lastError: undefined }),
    reload: async () => undefined,
    close: async () => undefined,
    replace(next) {
      keys = vetDecryptionKeys(next).keys
      generation++
    },
  }
}
