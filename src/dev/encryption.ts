import { createPublicKey, type JsonWebKey, type KeyObject } from 'node:crypto'
import { readFile } from 'node:fs/promises'

/** To whom access tokens are encrypted, and how. */
export interface Encryption {
  readonly alg: 'RSA-OAEP-256' | 'ECDH-ES' | 'ECDH-ES+A128KW' | 'ECDH-ES+A256KW'
  readonly enc: 'A256GCM'
  /** Public: the private part stays with the gateway. */
  readonly key: KeyObject
  readonly kid: string | undefined
}

type Members = Readonly<Record<string, unknown>>

/**
 * The public half of the first key in the gateway's JWKS file that something can be encrypted to: RSA, EC or X25519, not
 * for signing only. Rejects with a sentence for the operator when the file cannot be read or has none.
 */
export const readEncryption = async (file: string): Promise<Encryption> => {
  const found = keysIn(await readFile(file, 'utf8').catch(() => '')).flatMap(encryptionTo)[0]
  if (found === undefined)
    throw new Error(`${file}: \`dev.encrypt\` needs an RSA, EC or X25519 key for encryption in it`)
  return found
}

const keysIn = (text: string): readonly Members[] => {
  try {
    const parsed: unknown = JSON.parse(text)
    if (!isMembers(parsed)) return []
    return Array.isArray(parsed.keys) ? parsed.keys.filter(isMembers) : []
  } catch {
    // The message would quote a file of private keys.
    return []
  }
}

const isMembers = (value: unknown): value is Members => typeof value === 'object' && value !== null

/** RSA has one accepted algorithm; the key agreements are all that EC and X25519 keys can be for. */
const algorithms: ReadonlyMap<unknown, readonly Encryption['alg'][]> = new Map<unknown, readonly Encryption['alg'][]>([
  ['RSA', ['RSA-OAEP-256']],
  ['EC', ['ECDH-ES+A256KW', 'ECDH-ES', 'ECDH-ES+A128KW']],
  ['OKP', ['ECDH-ES+A256KW', 'ECDH-ES', 'ECDH-ES+A128KW']],
])

const encryptionTo = ({ kty, crv, n, e, x, y, kid, use, alg: named }: Members): readonly Encryption[] => {
  const alg = algorithms.get(kty)?.find((candidate) => named === undefined || named === candidate)
  if (alg === undefined || (use !== undefined && use !== 'enc')) return []
  try {
    const members = Object.entries({ kty, crv, n, e, x, y }).filter(([, value]) => value !== undefined)
    const key = createPublicKey({ key: Object.fromEntries(members) as JsonWebKey, format: 'jwk' })
    // Of the OKP keys the Ed ones can only sign.
    if (key.asymmetricKeyType?.startsWith('ed')) return []
    return [{ alg, enc: 'A256GCM', key, kid: typeof kid === 'string' ? kid : undefined }]
  } catch {
    return []
  }
}
