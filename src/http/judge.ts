import { address, authorize, type Candidate, type Grant } from '../decision/authorize.ts'
import type { Outcome } from '../decision/refusal.ts'
import { boundKey, unknownSender } from '../decision/sender.ts'
import type { Step } from '../decision/step.ts'
import type { VerifiedToken } from '../decision/token.ts'

/** How a request can show who sent it; asked only where a token is bound to that. */
export interface SenderEvidence {
  /** The thumbprint of the client certificate; undefined: none that we believe. */
  certificate(): string | undefined
  /** What became of the DPoP proof: `ProofVerifier.prove` for this request and this token. */
  proof(boundTo: string): Outcome<string> | Promise<Outcome<string>>
}

/**
 * The decision about a proven token, with the one effect that lies inside it: `address`, then the proof of possession
 * where the token is bound to a key, then `authorize`. A proof is looked at only for a token that was made for this
 * resource. A promise only where the proof is one.
 *
 * @param now seconds since the epoch
 * @param toleranceSeconds the issuer's clock tolerance
 */
export const judge = (
  candidate: Candidate,
  token: VerifiedToken,
  evidence: SenderEvidence,
  now: number,
  toleranceSeconds: number,
  step?: Step,
): Outcome<Grant> | Promise<Outcome<Grant>> => {
  const addressed = address(candidate, token, now, toleranceSeconds, step)
  if (!addressed.ok) return addressed
  if (token.confirmation === undefined) return authorize(addressed.value, unknownSender, now, toleranceSeconds, step)
  const certificate = token.confirmation.certificate === undefined ? undefined : evidence.certificate()
  const boundTo = boundKey(candidate.scheme, token)
  const proof = boundTo === undefined ? undefined : evidence.proof(boundTo)
  return proof instanceof Promise
    ? proof.then((settled) => authorize(addressed.value, { proof: settled, certificate }, now, toleranceSeconds, step))
    : authorize(addressed.value, { proof, certificate }, now, toleranceSeconds, step)
}
