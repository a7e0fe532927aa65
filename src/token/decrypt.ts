import type { KeyObject } from 'node:crypto'
import { type Outcome, pass, refuse } from '../decision/refusal.ts'
import type { DecryptionHint } from '../keys/decryption-keys.ts'
import type { Aside } from './aside.ts'
import { formOf, isCanonical, isCompactText, readCompact } from './compact.ts'
import { MAX_KID_LENGTH } from './header.ts'
import { type JsonObject, readJsonObject } from './json.ts'
import { contentOf, ENCRYPTION_ALGORITHMS, KEY_ALGORITHMS } from './jwe-content.ts'
import { busy } from './jwt.ts'
import { mediaType } from './media-type.ts'
import type { TrustedIssuer } from './proof.ts'

/** What was in an encrypted token. Nothing of it is proven: whoever has the public key can encrypt (AT-16). */
export interface Opened {
  /** A compact JWS, to be read, verified and judged like one that came bare. */
  readonly signed: string
  /** With whose keys it opened: the token counts only as one of theirs. Several when they share a key; never none. */
  readonly by: readonly TrustedIssuer[]
}

/** Private-key operations for one token, however many issuers and keys there are. */
const MOST_TRIES = 8

/** Header members that repeat claims for whoever cannot decrypt (RFC 7519 section 5.3). */
const REPEATED_CLAIMS = ['iss', 'sub', 'aud']

/** Padding, tag, key, content: which of them it was is not even in the log (JO-25). */
const CLOSED = 'it does not open to a signed JWT'

/**
 * Opens a nested JWT (RFC 7519 appendix A.2) with the keys of those issuers, one level and no further (JO-20). Assumes
 * four dots. Refuses with `decryption_failed`, at once whatever needs no key; with `keys_unavailable` when no key could be
 * loaded or too much is under way, which is not the client's fault (AS-12). Never rejects. Does not verify what is inside.
 *
 * One answer for all that can go wrong once the header was read, and one class of time (RFC 7516 section 11.5): where
 * the content key cannot be unwrapped, or has the wrong length, jose goes on with a random one, so that the token fails
 * at its tag like any other. That no key fits is told apart by time, and it is no secret: `kid` is the sender's.
 */
export const decrypt = (
  token: string,
  issuers: readonly TrustedIssuer[],
  aside: Aside,
): Outcome<Opened> | Promise<Outcome<Opened>> => {
  const candidates = issuers.filter(({ decryption }) => decryption !== undefined)
  if (candidates.length === 0) return failed('an encrypted token, and no issuer here has keys for one')
  const read = readJweHeader(token)
  if (!read.ok) return read
  const [first] = candidates
  return aside.run(() => open(token, read.value, candidates)) ?? busy(first?.name ?? '')
}

interface JweHeader {
  readonly hint: DecryptionHint
  readonly members: JsonObject
}

const failed = (fault: string) => refuse({ reason: 'decryption_failed', fault })

const readJweHeader = (token: string): Outcome<JweHeader> => {
  // jose would skip padding and white space, and read several spellings of the same bytes (JO-14, JO-16).
  const parts = token.split('.')
  if (!isCompactText(token) || !parts.every(isCanonical)) return failed('a part is not canonical base64url')
  const [encoded = ''] = parts
  const read = readJsonObject(Buffer.from(encoded, 'base64url'), 'header')
  if (!read.ok) return failed('its header is not a JSON object that is well-formed')
  const members = read.value
  const { alg, enc, kid, cty } = members
  // Not even present with a harmless value: crit and b64 change the reading (JO-11, JO-12), zip makes much of little (JO-23).
  if ('crit' in members || 'b64' in members || 'zip' in members) return failed('its header has crit, b64 or zip')
  if (typeof alg !== 'string' || !KEY_ALGORITHMS.includes(alg)) return failed('an alg that is not accepted')
  if (typeof enc !== 'string' || !ENCRYPTION_ALGORITHMS.includes(enc)) return failed('an enc that is not accepted')
  if (kid !== undefined && (typeof kid !== 'string' || kid.length > MAX_KID_LENGTH)) return failed('a kid that is none')
  if (!isNested(cty)) return failed('a cty that does not say that a signed JWT is in it')
  return pass({ hint: { alg, enc, kid }, members })
}

/** RFC 7519 section 5.2: it must be `JWT`. Some servers, oidc-provider among them, write the type of what is inside. */
const isNested = (cty: unknown): boolean =>
  typeof cty === 'string' && ['application/jwt', 'application/at+jwt'].includes(mediaType(cty))

const open = async (
  token: string,
  { hint, members }: JweHeader,
  candidates: readonly TrustedIssuer[],
): Promise<Outcome<Opened>> => {
  try {
    await Promise.all(candidates.map(({ decryption }) => decryption?.started))
    const keys = keysFor(hint, candidates)
    if (keys.length === 0) return noKey(candidates)
    for (const key of keys) {
      const plaintext = await contentOf(token, key)
      if (plaintext === undefined) continue
      if (!isSigned(plaintext)) return failed(CLOSED)
      if (!repeatsItsClaims(members, plaintext)) return failed('its header repeats a claim with another value')
      // Asked again: a key that was taken away meanwhile opens nothing any more.
      const by = candidates.filter(({ decryption }) => decryption?.candidates(hint).some((own) => sameKey(own, key)))
      return by.length > 0 ? pass({ signed: plaintext, by }) : failed(CLOSED)
    }
    return failed(CLOSED)
  } catch {
    // Only keys that break their promise get here. Our fault, and it must not let anyone in.
    return refuse({ reason: 'internal' })
  }
}

/** Each key once, though issuers may share it. */
const keysFor = (hint: DecryptionHint, candidates: readonly TrustedIssuer[]): readonly KeyObject[] => {
  const keys: KeyObject[] = []
  for (const key of candidates.flatMap(({ decryption }) => decryption?.candidates(hint) ?? [])) {
    if (keys.length < MOST_TRIES && !keys.some((other) => sameKey(other, key))) keys.push(key)
  }
  return keys
}

/**
 * Equality of keys. Keys of different types are never given to `equals`: in Node 26 that leaves an error behind in OpenSSL's
 * queue, and the next decryption by WebCrypto takes it for its own and ends the process.
 */
const sameKey = (one: KeyObject, other: KeyObject): boolean =>
  one.asymmetricKeyType === other.asymmetricKeyType && one.equals(other)

const noKey = (candidates: readonly TrustedIssuer[]): Outcome<never> => {
  const empty = candidates.find(({ decryption }) => decryption?.report().keys === 0)
  if (empty === undefined) return failed('no key of ours is for its kid, alg and enc')
  return refuse({ reason: 'keys_unavailable', issuer: empty.name, retryAfterSeconds: 60 })
}

/** Claims alone prove nothing about who wrote them (AT-16), and a second JWE is one too many (JO-20). */
const isSigned = (plaintext: string): boolean => formOf(plaintext) === 'signed' && isCompactText(plaintext)

/** RFC 7519 section 5.3: what the header repeats must be what the claims say. Claims that cannot be read are judged later. */
const repeatsItsClaims = (members: JsonObject, signed: string): boolean => {
  const repeated = REPEATED_CLAIMS.filter((name) => name in members)
  const read = repeated.length === 0 ? undefined : readCompact(signed)
  if (!read?.ok) return true
  const { claims } = read.value
  return repeated.every((name) => JSON.stringify(members[name]) === JSON.stringify(claims[name]))
}
