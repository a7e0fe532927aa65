import { createCipheriv, type KeyObject, publicEncrypt, randomBytes } from 'node:crypto'
import type { Outcome } from '../../src/decision/refusal.ts'
import type { DecryptionKeys } from '../../src/keys/decryption-keys.ts'
import { createAside, MOST_ASIDE } from '../../src/token/aside.ts'
import { decrypt, type Opened } from '../../src/token/decrypt.ts'
import type { TrustedIssuer } from '../../src/token/proof.ts'
import { createDecryptionJwk, decryptionKeys, encryptionKeyOf, type PrivateJwk } from '../support/encryption-keys.ts'
import { createKey, issuerKeys, mint, trustedIssuer } from '../support/tokens.ts'

const signer = createKey('ES256', 'sig')
/** What is encrypted. */
export const signed = mint({ key: signer })
/** One key of every kind; the shared ones by the `enc` that they are for. */
export const keys = {
  RSA: createDecryptionJwk('RSA', { kid: 'rsa' }),
  'P-256': createDecryptionJwk('P-256', { kid: 'p256' }),
  'P-384': createDecryptionJwk('P-384', { kid: 'p384' }),
  'P-521': createDecryptionJwk('P-521', { kid: 'p521' }),
  X25519: createDecryptionJwk('X25519', { kid: 'x25519' }),
  A128GCM: createDecryptionJwk('oct16', { kid: 'oct16' }),
  A256GCM: createDecryptionJwk('oct32', { kid: 'oct32g', alg: 'A256GCM' }),
  'A128CBC-HS256': createDecryptionJwk('oct32', { kid: 'oct32c', alg: 'dir' }),
  'A256CBC-HS512': createDecryptionJwk('oct64', { kid: 'oct64' }),
}
export const agreements = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW']
export const CLOSED = 'it does not open to a signed JWT'

const signing = await issuerKeys([signer])

export const issuer = (name: string, decryption: DecryptionKeys | undefined): TrustedIssuer =>
  trustedIssuer(signing, { name, decryption })

/** One issuer `main` with these keys. */
export const main = (...jwks: readonly PrivateJwk[]): readonly TrustedIssuer[] => [issuer('main', decryptionKeys(jwks))]
const all = main(...Object.values(keys))

export const told = (outcome: Outcome<Opened>): string => {
  if (outcome.ok)
    return outcome.value.signed === signed ? outcome.value.by.map(({ name }) => name).join(' ') : 'other text'
  return outcome.refusal.reason === 'decryption_failed' ? outcome.refusal.fault : outcome.refusal.reason
}

/** Who opened it, by default out of `main` with all keys, or why nobody did. */
export const opening = async (token: string, issuers = all): Promise<string> =>
  told(await decrypt(token, issuers, createAside(MOST_ASIDE)))

/** A JWE with this header around a content that is encrypted with A128GCM and nothing else; `wrap` wraps the key. */
export const byHand = (
  header: object,
  wrap: (cek: Buffer) => Buffer,
  content = signed,
  cek = randomBytes(16),
): string => {
  const iv = randomBytes(12)
  const head = Buffer.from(JSON.stringify(header)).toString('base64url')
  const cipher = createCipheriv('aes-128-gcm', cek, iv).setAAD(Buffer.from(head))
  const text = Buffer.concat([cipher.update(content), cipher.final()])
  return [head, ...[wrap(cek), iv, text, cipher.getAuthTag()].map((part) => part.toString('base64url'))].join('.')
}

/** Wraps a content key for the RSA key. */
export const oaep = (cek: Buffer): Buffer =>
  publicEncrypt({ key: encryptionKeyOf(keys.RSA) as KeyObject, oaepHash: 'sha256' }, cek)
export const RSA_HEADER = { alg: 'RSA-OAEP-256', enc: 'A128GCM', cty: 'JWT' }
