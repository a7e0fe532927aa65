import type { Outcome } from '../../decision/refusal.ts'
import type { Proof } from '../proof.ts'

/** Asks one issuer what an opaque token of it is (RFC 7662). Never rejects. */
export interface Introspector {
  /**
   * Refuses with `token_inactive`, `introspection_unavailable`, `internal` (our own credentials were refused or cannot be read, IN-8), or
   * with what the claims of the answer lack or say, as for a JWT. A promise only where the answer is not here.
   *
   * @param token checked for length and syntax; never shown
   * @param now seconds since the epoch
   */
  introspect(token: string, now: number): Outcome<Proof> | Promise<Outcome<Proof>>
  close(): Promise<void>
}

/**
 * What came of one token. `cached`: an answer from before, ours or of a replica. Then what a call brought that is no
 * answer: `http` a status that is none, `parse` something else than the promised content, `credentials` our own were
 * refused or cannot be read (IN-8), `busy` nobody was asked because too many calls are under way or the last ones failed.
 */
export type IntrospectionResult =
  | 'active'
  | 'inactive'
  | 'cached'
  | 'timeout'
  | 'connect'
  | 'tls'
  | 'http'
  | 'parse'
  | 'too_large'
  | 'credentials'
  | 'busy'

/** What an introspector reports; wired to metrics and log by the composition root. No token and no secret is in it. */
export interface IntrospectionEvents {
  /** Once per answer; who waits for the answer to another's question is not counted. */
  introspected(issuer: string, result: IntrospectionResult): void
  /** Why the issuer cannot be asked, once per change; or what it says of single tokens instead of an answer, once a minute. */
  warned(issuer: string, message: string): void
  /** Our own credentials were refused or cannot be read: nothing but the operator can end that (IN-8). As rarely. */
  credentialsRefused(issuer: string, message: string): void
  /** The shared store could not be asked, so that the issuer is asked instead. */
  degraded(): void
}
