/**
 * What a proven token says. Issuer, type, signature, required claims and times are proven; that it is meant for the
 * resource at hand is NOT: that is `authorize`, on every request, cached or not (RI-12).
 */
export interface VerifiedToken {
  /** Config name of the issuer. */
  readonly issuer: string
  /** The `iss` claim, equal to the configured issuer character for character. */
  readonly iss: string
  /** `aud` as a list; empty when the claim is absent. Exact strings (RI-4). */
  readonly audience: readonly string[]
  readonly scopes: readonly string[]
  /** Empty when the profile does not require it and it is absent. */
  readonly subject: string
  /** Client identifier; empty when absent. */
  readonly client: string
  /** Seconds since the epoch (NumericDate); the token is expired from this instant plus the clock tolerance on. */
  readonly expiresAt: number
  /** Methods of `cnf` (RFC 7800); undefined: an unbound bearer token. */
  readonly confirmation: readonly string[] | undefined
  /** The claims set; read members with `claimOf` only, which ignores the prototype (JO-28). */
  readonly claims: Readonly<Record<string, unknown>>
}

/** The claim of that name, or undefined. Never reaches into the prototype. */
export const claimOf = (token: VerifiedToken, name: string): unknown =>
  Object.hasOwn(token.claims, name) ? token.claims[name] : undefined
