import {
  createPrivateKey,
  createPublicKey,
  createSecretKey,
  diffieHellman,
  generateKeyPairSync,
  type JsonWebKey,
  type KeyObject,
  privateDecrypt,
  publicEncrypt,
} from 'node:crypto'
import type { DecryptionHint } from './decryption-keys.ts'
import { hasRocaMark } from './roca.ts'
import { type DroppedKey, longestKid, shownKid } from './vet.ts'

/** A private key that opens tokens. */
export interface DecryptionKey {
  readonly kid: string | undefined
  /** What the key says it is for, and then it is for nothing else; for a shared key the `enc`, or `dir`. */
  readonly alg: string | undefined
  readonly key: KeyObject
}

/** Each is tried at its loading, which takes a few milliseconds for RSA. */
const mostKeys = 32

type Members = Readonly<Record<string, unknown>>
type Reading<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly why: string }

const agreements = ['ECDH-ES', 'ECDH-ES+A128KW', 'ECDH-ES+A256KW']

/** What a key of that `kty` may name as `alg`, and which of `key_ops` it then needs one of (RFC 7517 sections 4.3, 4.4). */
const purposes: ReadonlyMap<
  unknown,
  { readonly algorithms: readonly string[]; readonly operations: readonly string[] }
> = new Map([
  ['RSA', { algorithms: ['RSA-OAEP-256'], operations: ['decrypt', 'unwrapKey'] }],
  ['EC', { algorithms: agreements, operations: ['deriveKey', 'deriveBits'] }],
  ['OKP', { algorithms: agreements, operations: ['deriveKey', 'deriveBits'] }],
  ['oct', { algorithms: ['dir', 'A128GCM', 'A256GCM', 'A128CBC-HS256', 'A256CBC-HS512'], operations: ['decrypt'] }],
])

/** Octets of the key that an `enc` needs (RFC 7518 section 5). */
const contentKeyOctets: ReadonlyMap<string, number> = new Map([
  ['A128GCM', 16],
  ['A256GCM', 32],
  ['A128CBC-HS256', 32],
  ['A256CBC-HS512', 64],
])

/**
 * Takes from a key set of the operator's what may open tokens; one bad key does not spoil the set (JO-7, JO-8). Every key
 * that passes was used once: a point off its curve (JO-21), a weak modulus and a private part that belongs to another
 * public one are found here and not at a request. No key material is in a reason.
 */
export const vetDecryptionKeys = (
  entries: readonly unknown[],
): { readonly keys: readonly DecryptionKey[]; readonly dropped: readonly DroppedKey[] } => {
  const keys: DecryptionKey[] = []
  const dropped: DroppedKey[] = []
  for (const [index, entry] of entries.entries()) {
    if (index >= mostKeys) {
      dropped.push({
        kid: undefined,
        why: `the set has ${entries.length} keys, those after the ${mostKeys}th are not used`,
      })
      break
    }
    const members: Members = typeof entry === 'object' && entry !== null ? { __proto__: null, ...entry } : {}
    const read = readKey(members)
    if (read.ok) keys.push(read.value)
    else dropped.push({ kid: shownKid(members.kid), why: read.why })
  }
  return { keys, dropped }
}

/** Whether this key is for a token with this header. A `kid` that is named counts; without one every kind fits (RFC 7516 section 4.1.6). */
export const fitsHint = ({ kid, alg, key }: DecryptionKey, hint: DecryptionHint): boolean => {
  if (hint.kid !== undefined && hint.kid !== kid) return false
  // A shared key is the content key itself and never wraps one.
  if (hint.alg === 'dir') {
    const names = [undefined, 'dir', hint.enc]
    return key.symmetricKeySize === contentKeyOctets.get(hint.enc) && key.type === 'secret' && names.includes(alg)
  }
  if (alg !== undefined && alg !== hint.alg) return false
  const kind = hint.alg === 'RSA-OAEP-256' ? ['rsa'] : agreements.includes(hint.alg) ? ['ec', 'x25519'] : []
  return key.asymmetricKeyType !== undefined && kind.includes(key.asymmetricKeyType)
}

const drop = (why: string): { readonly ok: false; readonly why: string } => ({ ok: false, why })

const readKey = (members: Members): Reading<DecryptionKey> => {
  const { kty, kid, alg, use, key_ops: operations } = members
  const purpose = purposes.get(kty)
  if (purpose === undefined) return drop('its kty is not RSA, EC, OKP or oct')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > longestKid)) {
    return drop(`its kid is not a string of at most ${longestKid} characters`)
  }
  if (use !== undefined && use !== 'enc') return drop('its use is not "enc"')
  if (alg !== undefined && (typeof alg !== 'string' || !purpose.algorithms.includes(alg))) {
    return drop(`its alg is none of ${purpose.algorithms.join(', ')}`)
  }
  if (
    operations !== undefined &&
    !(Array.isArray(operations) && purpose.operations.some((operation) => operations.includes(operation)))
  ) {
    return drop(`its key_ops have none of ${purpose.operations.join(', ')}`)
  }
  const material = kty === 'oct' ? readShared(members) : readPrivate(members)
  return material.ok ? { ok: true, value: { kid, alg, key: material.value } } : material
}

const readShared = ({ k, alg }: Members): Reading<KeyObject> => {
  const octets = typeof k === 'string' && /^[A-Za-z0-9_-]+$/.test(k) ? Buffer.from(k, 'base64url') : Buffer.alloc(0)
  const needed = [...contentKeyOctets].filter(([enc]) => alg === undefined || alg === 'dir' || alg === enc)
  if (!needed.some(([, length]) => length === octets.length)) {
    return drop('its k is missing or not as long as a content encryption algorithm needs')
  }
  return { ok: true, value: createSecretKey(octets) }
}

const curves = ['P-256', 'P-384', 'P-521', 'X25519']

const readPrivate = ({ kty, crv, n, e, d, p, q, dp, dq, qi, x, y }: Members): Reading<KeyObject> => {
  if (typeof d !== 'string') return drop('it has no private part')
  if (kty !== 'RSA' && (typeof crv !== 'string' || !curves.includes(crv) || (kty === 'OKP') !== (crv === 'X25519'))) {
    return drop(`its crv is none of ${curves.join(', ')}, or not one of its kty`)
  }
  try {
    const members = Object.entries(kty === 'RSA' ? { kty, n, e, d, p, q, dp, dq, qi } : { kty, crv, d, x, y })
    const jwk: JsonWebKey = Object.fromEntries(members.filter(([, value]) => value !== undefined))
    const key = createPrivateKey({ key: jwk, format: 'jwk' })
    const fault = kty === 'RSA' ? rsaFault(key) : agreementFault(key, { kty, crv, x, y } as JsonWebKey)
    return fault === undefined ? { ok: true, value: key } : drop(fault)
  } catch {
    return drop(outOfRange)
  }
}

const outOfRange = 'its values are missing, out of range, not on the curve, or do not belong together'

/**
 * Whether the public part is the one of `d`, by agreeing with a third key from both ends: Node 26 looks at that itself,
 * Node 24 does not. Throws for a point that is not on the curve.
 */
const agreementFault = (key: KeyObject, jwk: JsonWebKey): string | undefined => {
  const publicKey = createPublicKey({ key: jwk, format: 'jwk' })
  const { namedCurve } = key.asymmetricKeyDetails ?? {}
  const probe = namedCurve === undefined ? generateKeyPairSync('x25519') : generateKeyPairSync('ec', { namedCurve })
  const ours = diffieHellman({ privateKey: key, publicKey: probe.publicKey })
  const theirs = diffieHellman({ privateKey: probe.privateKey, publicKey })
  return ours.equals(theirs) ? undefined : outOfRange
}

const rsaFault = (key: KeyObject): string | undefined => {
  const { modulusLength = 0, publicExponent = 0n } = key.asymmetricKeyDetails ?? {}
  if (modulusLength < 2048 || modulusLength > 8192) {
    // Beyond that one token takes tens of milliseconds.
    return `its modulus has ${modulusLength} bits, and 2048 to 8192 are accepted`
  }
  if (publicExponent < 3n) return 'its exponent is 1: it hides nothing'
  const publicKey = createPublicKey(key)
  const modulus = Buffer.from(publicKey.export({ format: 'jwk' }).n ?? '', 'base64url')
  if (hasRocaMark(BigInt(`0x${modulus.toString('hex')}`))) return 'it has the ROCA weakness (CVE-2017-15361)'
  // Throws where the private part belongs to another public one.
  const probe = publicEncrypt({ key: publicKey, oaepHash: 'sha256' }, Buffer.from('probe'))
  privateDecrypt({ key, oaepHash: 'sha256' }, probe)
  return undefined
}
