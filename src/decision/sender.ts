import type { Scheme } from './credentials.ts'
import type { Outcome, Refusal } from './refusal.ts'
import type { Step } from './step.ts'
import type { Confirmation, VerifiedToken } from './token.ts'

/** What the request shows of who sent it: gathered by those who may use keys and the store, judged here. */
export interface Sender {
  /** The RFC 7638 thumbprint of the key of a good DPoP proof, or what is wrong with it; undefined: none was asked for. */
  readonly proof: Outcome<string> | undefined
  /** SHA-256 of the DER of the client certificate, base64url without padding; undefined: none that we believe. */
  readonly certificate: string | undefined
}

/** Nothing is known of who sent the request. */
export const unknownSender: Sender = { proof: undefined, certificate: undefined }

/** What `binding_mismatch` tells the operator. */
export const senderFaults = {
  unboundDPoP: 'an unbound token under the DPoP scheme',
  unbound: 'an unbound token where binding is required',
  notByKey: 'a token that is not bound to a key under the DPoP scheme',
  otherKey: 'a proof by another key',
  otherCertificate: 'another client certificate',
} as const

/**
 * The thumbprint that the request's DPoP proof must have, or undefined where no proof could help: only then are its
 * signature and its `jti` looked at (DP-15).
 */
export const boundKey = (scheme: Scheme, token: VerifiedToken): string | undefined =>
  scheme === 'DPoP' ? token.confirmation?.jkt : undefined

/**
 * Whether a token was sent by the one it is bound to (RFC 9449 section 7, RFC 8705 section 3). A bound token never
 * degrades to a bearer token, whatever it is bound by (DP-12, MT-2, CN-1); an unbound one is none under `DPoP` (DP-11)
 * nor where binding is required. Plain comparison: none of these values is a secret.
 */
export const judgeSender = (
  { scheme, senderConstrained }: { readonly scheme: Scheme; readonly senderConstrained: boolean },
  { confirmation }: VerifiedToken,
  sender: Sender,
  step?: Step,
): Refusal | undefined => {
  const refusal =
    confirmation === undefined ? judgeUnbound(scheme, senderConstrained) : judgeBound(scheme, confirmation, sender)
  step?.({
    name: 'sender constraint',
    expected: expectation(scheme, senderConstrained, confirmation),
    found:
      refusal === undefined
        ? confirmation === undefined
          ? 'one'
          : 'a good one'
        : 'fault' in refusal
          ? refusal.fault
          : refusal.reason,
    ok: refusal === undefined,
  })
  return refusal
}

const judgeUnbound = (scheme: Scheme, senderConstrained: boolean): Refusal | undefined => {
  if (scheme === 'DPoP') return mismatch(senderFaults.unboundDPoP)
  return senderConstrained ? mismatch(senderFaults.unbound) : undefined
}

/** Every method that we know must be proven (CN-1). */
const judgeBound = (
  scheme: Scheme,
  { methods, jkt, certificate: boundTo }: Confirmation,
  { proof, certificate }: Sender,
): Refusal | undefined => {
  const missing: Refusal = { reason: 'proof_missing', methods }
  // No method that we know, or one whose value is none: it must not pass for what was checked.
  if (jkt === undefined && (boundTo === undefined || methods.includes('jkt'))) return missing
  if (boundTo === undefined && methods.includes('x5t#S256')) return missing
  if (jkt !== undefined) {
    if (scheme !== 'DPoP' || proof === undefined) return missing
    if (!proof.ok) return proof.refusal
    if (proof.value !== jkt) return mismatch(senderFaults.otherKey)
  } else if (scheme === 'DPoP') {
    return mismatch(senderFaults.notByKey)
  }
  if (boundTo === undefined) return undefined
  if (certificate === undefined) return missing
  return certificate === boundTo ? undefined : mismatch(senderFaults.otherCertificate)
}

const mismatch = (fault: string): Refusal => ({ reason: 'binding_mismatch', fault })

const expectation = (scheme: Scheme, senderConstrained: boolean, confirmation: Confirmation | undefined): string => {
  if (confirmation !== undefined) return `a proof for cnf ${confirmation.methods.join(', ') || '(empty)'}`
  return senderConstrained || scheme === 'DPoP' ? 'a token that is bound to its sender' : 'an unbound bearer token'
}
