import type { Refusal } from '../../decision/refusal.ts'
import { formOf, isCanonical, isCompactText } from '../compact.ts'
import { readHeader } from '../header.ts'
import { type JsonObject, readJsonObject } from '../json.ts'
import { mediaType } from '../media-type.ts'
import { type ProofKey, readProofKey } from './proof-key.ts'

/** What a DPoP proof says (RFC 9449 section 4.2). Nothing of it is proven yet. */
export interface UnprovenProof {
  readonly alg: string
  readonly key: ProofKey
  readonly jti: string
  readonly htm: string
  readonly htu: string
  /** Seconds since the epoch; finite. */
  readonly iat: number
  readonly ath: string
  /** Undefined: absent, or no string. */
  readonly nonce: string | undefined
}

type Reading = { readonly ok: true; readonly value: UnprovenProof } | { readonly ok: false; readonly fault: string }

/** Characters. Real proofs have 400 to 1,300. */
const MAX_PROOF_LENGTH = 8192

/** Characters; what is kept of it is a hash (DP-15). */
const MAX_JTI_LENGTH = 256

/**
 * Reads a DPoP proof as strictly as a token is read (`readCompact`), with its key and every claim that must be there
 * (DP-2 to DP-5). Unknown members and claims pass. `fault` is a fixed phrase of ours, with nothing of the proof in it.
 *
 * @param algorithms those that are accepted; asymmetric only
 */
export const readProof = (text: string, algorithms: readonly string[]): Reading => {
  if (text.length > MAX_PROOF_LENGTH) return wrong('a proof that is too long')
  // No comma is in this alphabet: a joined list of two proofs is none (DP-1).
  if (!isCompactText(text) || formOf(text) !== 'signed') return wrong('what is no compact JWS')
  const parts = text.split('.')
  if (!parts.every(isCanonical)) return wrong('a part that is not canonical base64url')
  const [header, claims] = parts.map((part) => Buffer.from(part, 'base64url'))
  if (header === undefined || claims === undefined) return wrong('what is no compact JWS')
  const members = readJsonObject(header, 'header')
  if (!members.ok) return wrong(faultOf(members.refusal))
  const read = readHeader(members.value)
  if (!read.ok) return wrong(faultOf(read.refusal))
  const { typ, alg } = read.value
  if (typeof typ !== 'string' || mediaType(typ) !== 'application/dpop+jwt') return wrong('a typ that is not dpop+jwt')
  if (typeof alg !== 'string' || !algorithms.includes(alg))
    return wrong('an alg that is not accepted (dpop.algorithms)')
  const key = readProofKey(members.value.jwk, alg)
  if (!key.ok) return key
  const body = readJsonObject(claims, 'claims')
  if (!body.ok) return wrong(faultOf(body.refusal))
  return readClaims(body.value, alg, key.value)
}

const readClaims = ({ jti, htm, htu, iat, ath, nonce }: JsonObject, alg: string, key: ProofKey): Reading => {
  if (typeof jti !== 'string' || jti === '' || jti.length > MAX_JTI_LENGTH) {
    return wrong(`a jti that is not a string of 1 to ${MAX_JTI_LENGTH} characters`)
  }
  if (typeof htm !== 'string') return wrong('an htm that is not a string')
  if (typeof htu !== 'string') return wrong('an htu that is not a string')
  if (typeof iat !== 'number' || !Number.isFinite(iat)) return wrong('an iat that is not a NumericDate')
  if (typeof ath !== 'string') return wrong('an ath that is not a string')
  return {
    ok: true,
    value: { alg, key, jti, htm, htu, iat, ath, nonce: typeof nonce === 'string' ? nonce : undefined },
  }
}

const wrong = (fault: string): { readonly ok: false; readonly fault: string } => ({ ok: false, fault })

const faultOf = (refusal: Refusal): string => ('fault' in refusal ? refusal.fault : refusal.reason)
