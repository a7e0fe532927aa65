import type { KeyObject } from 'node:crypto'
import { compactDecrypt } from 'jose'

/**
 * `alg` of an encrypted token. Off, whoever holds a key for them: RSA1_5 (padding oracles, JO-22), RSA-OAEP with SHA-1,
 * PBES2 (JO-24), and wrapping with shared keys.
 */
export const KEY_ALGORITHMS: readonly string[] = ['RSA-OAEP-256', 'ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW', 'dir']

/** `enc` of an encrypted token: authenticated encryption with keys of 128 or 256 bits. */
export const ENCRYPTION_ALGORITHMS: readonly string[] = ['A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512']

const options = {
  keyManagementAlgorithms: [...KEY_ALGORITHMS],
  contentEncryptionAlgorithms: [...ENCRYPTION_ALGORITHMS],
  // None at all (JO-23).
  maxDecompressedLength: 0,
}

/**
 * What was encrypted in a compact JWE, one character an octet; undefined where this key does not open it, whatever the
 * reason. `epk` is the one key that a header brings: jose takes it for a public point on the curve of our key and nothing
 * else (JO-21). The private-key operation runs outside the main thread. Does not look at `kid`, `cty`, or the spelling.
 */
export const contentOf = async (token: string, key: KeyObject): Promise<string | undefined> => {
  try {
    const { plaintext } = await compactDecrypt(token, key, options)
    return Buffer.from(plaintext.buffer, plaintext.byteOffset, plaintext.byteLength).toString('latin1')
  } catch {
    return undefined
  }
}
