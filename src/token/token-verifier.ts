import type { Refusal } from '../decision/refusal.ts'
import type { VerifiedToken } from '../decision/token.ts'

/** A proven token, or why it is none. */
export type Verification =
  | { readonly ok: true; readonly value: VerifiedToken }
  /** `issuer`: config name of the issuer whose token it claims to be, where that is one of ours; for the log. */
  | { readonly ok: false; readonly refusal: Refusal; readonly issuer?: string }

/**
 * Proves a token: syntax, issuer, type, algorithm, key, signature, required claims, times. Knows nothing of audience,
 * scope or HTTP. Synchronous when the answer is cached; its caller awaits only a Promise. Never rejects.
 */
export interface TokenVerifier {
  /**
   * @param token the credential as sent, without the scheme
   * @param issuers config names of the issuers that count at this resource
   * @param now seconds since the epoch
   */
  verify(token: string, issuers: readonly string[], now: number): Verification | Promise<Verification>
}

export interface TokenEvents {
  cache(result: 'hit' | 'miss'): void
  /** `issuer` is a config name, or undefined where none could be told. */
  validated(issuer: string | undefined, reason: 'none' | string): void
}
