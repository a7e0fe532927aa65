import type { Outcome } from '../decision/refusal.ts'
import type { VerifiedToken } from '../decision/token.ts'

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
  verify(
    token: string,
    issuers: readonly string[],
    now: number,
  ): Outcome<VerifiedToken> | Promise<Outcome<VerifiedToken>>
}

export interface TokenEvents {
  cache(result: 'hit' | 'miss'): void
  /** `issuer` is a config name, or undefined where none could be told. */
  validated(issuer: string | undefined, reason: 'none' | string): void
}
