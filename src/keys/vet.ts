import { importJWK, type JWK } from 'jose'
import { hasRocaMark } from './roca.ts'

/** A public key that may verify, reduced to the members that count, and the allowed algorithms that it fits. */
export interface VettedKey {
  readonly jwk: JWK & { readonly kty: string }
  readonly algorithms: readonly string[]
}

/** A key of a set that is not used, and why, for the operator. No key material. */
export interface DroppedKey {
  readonly kid: string | undefined
  readonly why: string
}

export interface Vetted {
  readonly keys: readonly VettedKey[]
  readonly dropped: readonly DroppedKey[]
}

type Members = Readonly<Record<string, unknown>>
type Reading = { readonly ok: true; readonly key: VettedKey } | { readonly ok: false; readonly why: string }

/** JO-9: a longer `kid` is never looked up. */
export const longestKid = 256

/** Real sets have fewer than 20 keys. */
const mostKeys = 256

interface Fit {
  readonly kty: string
  readonly crv: string | undefined
}

const rsa: Fit = { kty: 'RSA', crv: undefined }
const ed25519: Fit = { kty: 'OKP', crv: 'Ed25519' }

/** Which keys an algorithm takes (RFC 7518 §3.1, RFC 8037, RFC 9864). HMAC is not here and cannot be (JO-4). */
const fits: ReadonlyMap<string, Fit> = new Map([
  ['RS256', rsa],
  ['RS384', rsa],
  ['RS512', rsa],
  ['PS256', rsa],
  ['PS384', rsa],
  ['PS512', rsa],
  ['ES256', { kty: 'EC', crv: 'P-256' }],
  ['ES384', { kty: 'EC', crv: 'P-384' }],
  ['ES512', { kty: 'EC', crv: 'P-521' }],
  ['EdDSA', ed25519],
  ['Ed25519', ed25519],
])

const coordinateBytes: ReadonlyMap<unknown, number> = new Map([
  ['P-256', 32],
  ['P-384', 48],
  ['P-521', 66],
  ['Ed25519', 32],
])

const privateMembers = ['d', 'p', 'q', 'dp', 'dq', 'qi', 'oth', 'k', 'priv']

/**
 * Takes from a key set what may verify tokens; one bad key does not spoil the set (JO-6, JO-7, JO-8). Every key that
 * passes was imported once, so that a point off the curve is found here and not at a request. `x5c` is not looked at.
 * @param algorithms those allowed for the issuer; a key that fits none of them is dropped too
 */
export const vetKeys = async (keys: readonly unknown[], algorithms: readonly string[]): Promise<Vetted> => {
  const vetted: VettedKey[] = []
  const dropped: DroppedKey[] = []
  for (const [index, entry] of keys.entries()) {
    if (index >= mostKeys) {
      dropped.push({
        kid: undefined,
        why: `the set has ${keys.length} keys, those after the ${mostKeys}th are not used`,
      })
      break
    }
    const members = membersOf(entry)
    const reading = readKey(members, algorithms)
    const why = reading.ok ? await importFault(reading.key) : reading.why
    if (reading.ok && why === undefined) vetted.push(reading.key)
    if (why !== undefined) dropped.push({ kid: shownKid(members?.kid), why })
  }
  return { keys: vetted, dropped }
}

const membersOf = (entry: unknown): Members | undefined =>
  typeof entry === 'object' && entry !== null && !Array.isArray(entry) ? { __proto__: null, ...entry } : undefined

const drop = (why: string): Reading => ({ ok: false, why })

const readKey = (members: Members | undefined, algorithms: readonly string[]): Reading => {
  if (members === undefined) return drop('it is not a JSON object')
  const { kty, kid, alg, use, key_ops: operations } = members
  if (kty === 'oct') return drop('it is a symmetric key, and a key set is public: never used (JO-4)')
  // Also for a key that is not for signing: who published it must hear of it.
  if (privateMembers.some((name) => name in members)) return drop('it contains its PRIVATE part: it is compromised')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > longestKid)) {
    return drop(`its kid is not a string of at most ${longestKid} characters`)
  }
  if (use !== undefined && use !== 'sig') return drop('its use is not "sig"')
  if (operations !== undefined && !(Array.isArray(operations) && operations.includes('verify'))) {
    return drop('its key_ops do not have "verify"')
  }
  if (alg !== undefined && typeof alg !== 'string') return drop('its alg is not a string')
  const material = readMaterial(members)
  if ('why' in material) return drop(material.why)
  const fitting = algorithms.filter((name) => {
    const fit = fits.get(name)
    return fit !== undefined && fit.kty === kty && (fit.crv ?? material.crv) === material.crv && (alg ?? name) === name
  })
  if (fitting.length === 0) return drop(`it fits none of the algorithms ${algorithms.join(', ')}`)
  return {
    ok: true,
    key: {
      jwk: { ...material, ...(kid === undefined ? {} : { kid }), ...(alg === undefined ? {} : { alg }) },
      algorithms: fitting,
    },
  }
}

type Material = (JWK & { readonly kty: string }) | { readonly why: string }

const readMaterial = (members: Members): Material => {
  const { kty, crv, x, y, n, e } = members
  if (kty === 'RSA') return readRsa(n, e)
  if (kty !== 'EC' && kty !== 'OKP') return { why: 'its kty is not RSA, EC or OKP' }
  const bytes = coordinateBytes.get(crv)
  if (typeof crv !== 'string' || bytes === undefined || (kty === 'OKP') !== (crv === 'Ed25519')) {
    return { why: 'its crv is not one that is used for signatures with this kty' }
  }
  if (!isBase64url(x) || octets(x).length !== bytes)
    return { why: 'its x is missing or not as long as the curve needs' }
  if (kty === 'OKP') return { kty, crv, x }
  if (!isBase64url(y) || octets(y).length !== bytes)
    return { why: 'its y is missing or not as long as the curve needs' }
  return { kty, crv, x, y }
}

const readRsa = (n: unknown, e: unknown): Material => {
  if (!isBase64url(n) || !isBase64url(e)) return { why: 'its n or e is missing or not base64url' }
  const modulus = unsigned(n)
  const bits = modulus.toString(2).length
  if (bits < 2048) return { why: `its modulus has ${bits} bits, 2048 are needed` }
  // OpenSSL verifies with no longer one.
  if (bits > 16384) return { why: `its modulus has ${bits} bits, 16384 are the most` }
  const exponent = unsigned(e)
  if (exponent < 3n || exponent % 2n === 0n || exponent >= 2n ** 64n || modulus % 2n === 0n) {
    return { why: 'its exponent is 1, even or beyond 64 bits, or its modulus is even: it proves nothing' }
  }
  if (hasRocaMark(modulus)) return { why: 'it has the ROCA weakness (CVE-2017-15361)' }
  return { kty: 'RSA', n, e }
}

const isBase64url = (value: unknown): value is string => typeof value === 'string' && /^[A-Za-z0-9_-]+$/.test(value)

const octets = (text: string): Buffer => Buffer.from(text, 'base64url')

const unsigned = (text: string): bigint => BigInt(`0x${octets(text).toString('hex') || '0'}`)

const importFault = async ({ jwk, algorithms }: VettedKey): Promise<string | undefined> => {
  try {
    await importJWK(jwk, algorithms[0])
    return undefined
  } catch {
    return 'its values are out of range, such as a point that is not on the curve'
  }
}

/** A `kid` is the issuer's text and goes to the log: no control bytes, no length without bound. */
export const shownKid = (kid: unknown): string | undefined =>
  typeof kid === 'string' ? kid.slice(0, 64).replace(/[^\x20-\x7e]/g, '?') : undefined
