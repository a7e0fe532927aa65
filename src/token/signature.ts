import { constants, createHmac, type KeyObject, timingSafeEqual, verify } from 'node:crypto'
import type { VerificationKey } from '../keys/key-source.ts'

/** One signature algorithm (RFC 7518 section 3.1, RFC 8037, RFC 9864). */
interface Scheme {
  /**
   * How long a signature by this key is, exactly; undefined: the key is not for this algorithm. The key source has chosen
   * by type and curve already (JO-5); what lets people in is judged twice.
   */
  readonly bytes: (key: KeyObject) => number | undefined
  /** Null: the algorithm hashes by itself. */
  readonly digest: string | null
  readonly hmac: boolean
  /** ECDSA as R‖S and nothing else; the salt of PSS as long as the digest and no other. */
  readonly options: {
    readonly padding?: number
    readonly saltLength?: number
    readonly dsaEncoding?: 'ieee-p1363'
  }
}

const { RSA_PKCS1_PADDING, RSA_PKCS1_PSS_PADDING } = constants

/** Of type `rsa`, at least 2048 bits (RFC 7518 section 3.3). `rsa-pss` keys carry limits of their own and are not used. */
const rsaBytes = ({ asymmetricKeyType, asymmetricKeyDetails }: KeyObject): number | undefined => {
  const bits = asymmetricKeyDetails?.modulusLength ?? 0
  return asymmetricKeyType === 'rsa' && bits >= 2048 ? Math.ceil(bits / 8) : undefined
}

const pkcs1 = (bits: number): Scheme => ({
  bytes: rsaBytes,
  digest: `sha${bits}`,
  hmac: false,
  options: { padding: RSA_PKCS1_PADDING },
})

const pss = (bits: number): Scheme => ({
  bytes: rsaBytes,
  digest: `sha${bits}`,
  hmac: false,
  options: { padding: RSA_PKCS1_PSS_PADDING, saltLength: bits / 8 },
})

const ecdsa = (bits: number, namedCurve: string, bytes: number): Scheme => ({
  bytes: (key) => (key.asymmetricKeyDetails?.namedCurve === namedCurve ? bytes : undefined),
  digest: `sha${bits}`,
  hmac: false,
  options: { dsaEncoding: 'ieee-p1363' },
})

const ed25519: Scheme = {
  bytes: (key) => (key.asymmetricKeyType === 'ed25519' ? 64 : undefined),
  digest: null,
  hmac: false,
  options: {},
}

/** A secret is at least as long as the hash (RFC 7518 section 3.2). */
const hmac = (bits: number): Scheme => ({
  bytes: (key) => ((key.symmetricKeySize ?? 0) >= bits / 8 ? bits / 8 : undefined),
  digest: `sha${bits}`,
  hmac: true,
  options: {},
})

const schemes: ReadonlyMap<string, Scheme> = new Map([
  ['RS256', pkcs1(256)],
  ['RS384', pkcs1(384)],
  ['RS512', pkcs1(512)],
  ['PS256', pss(256)],
  ['PS384', pss(384)],
  ['PS512', pss(512)],
  ['ES256', ecdsa(256, 'prime256v1', 64)],
  ['ES384', ecdsa(384, 'secp384r1', 96)],
  ['ES512', ecdsa(512, 'secp521r1', 132)],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
  ['HS256', hmac(256)],
  ['HS384', hmac(384)],
  ['HS512', hmac(512)],
])

/**
 * Whether the last part of a compact JWS is the signature of all before its last dot, by this algorithm and this key.
 * Nothing else is looked at: the header need not name `alg`, no claim and no time is judged. Anything that does not fit
 * (an unknown algorithm, `none`, a key of another type, curve or length, a private key, a signature that is not canonical
 * base64url or not exactly as long as it must be) is false. Never throws.
 *
 * The engine's one-shot check on the calling thread: with WebCrypto, and so with jose, two more tasks on the thread pool
 * and several promises make RS256 cost two to four times as much.
 */
export const checkSignature = (signed: string, alg: string, key: VerificationKey): boolean => {
  try {
    const check = prepare(signed, alg, key)
    if (check === undefined) return false
    const { scheme, input, signature } = check
    if (scheme.hmac)
      return timingSafeEqual(
        createHmac(scheme.digest ?? '', key)
          .update(input)
          .digest(),
        signature,
      )
    return verify(scheme.digest, input, { key, ...scheme.options }, signature)
  } catch {
    // The engine speaks by exceptions where a key cannot do what is asked of it: then nothing is proven.
    return false
  }
}

/**
 * Whether {@link checkSignature} with this key takes so long that a flood of bad signatures would hold up everybody else
 * (attacks 2.6 row 12): measured 0.5 ms with P-384, 1.1 ms with P-521, below 0.1 ms with the rest but very long RSA keys.
 */
export const isSlowToCheck = ({ asymmetricKeyDetails }: VerificationKey): boolean => {
  const { namedCurve, modulusLength = 0 } = asymmetricKeyDetails ?? {}
  return (namedCurve !== undefined && namedCurve !== 'prime256v1') || modulusLength > 4096
}

/** {@link checkSignature} on another thread, for a public key that {@link isSlowToCheck}; a MAC is false. Never rejects. */
export const checkSignatureAside = (signed: string, alg: string, key: VerificationKey): Promise<boolean> =>
  new Promise((resolve) => {
    try {
      const check = prepare(signed, alg, key)
      if (check === undefined) return resolve(false)
      const { scheme, input, signature } = check
      verify(scheme.digest, input, { key, ...scheme.options }, signature, (error, good) =>
        resolve(error === null && good),
      )
    } catch {
      resolve(false)
    }
  })

interface Check {
  readonly scheme: Scheme
  readonly input: Buffer
  readonly signature: Buffer
}

/** What the engine is asked, or undefined where it need not be asked. */
const prepare = (signed: string, alg: string, key: KeyObject): Check | undefined => {
  const scheme = schemes.get(alg)
  // Never a MAC with what is public, nor a signature with what is shared (RFC 8725 section 2.1).
  if (scheme === undefined || key.type !== (scheme.hmac ? 'secret' : 'public')) return undefined
  const dot = signed.lastIndexOf('.')
  const text = signed.slice(dot + 1)
  const signature = Buffer.from(text, 'base64url')
  if (signature.length !== scheme.bytes(key) || signature.toString('base64url') !== text) return undefined
  const input = Buffer.from(signed.slice(0, dot))
  // As many bytes as characters before the dot, which there must be: only ASCII has that in UTF-8, and only with ASCII do
  // equal bytes mean an equal text.
  return input.length === dot ? { scheme, input, signature } : undefined
}
