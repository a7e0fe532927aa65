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
  /**
   * Scopes that count at one audience only, by that audience, beside `scopes`; undefined: none are written that way. An
   * issuer such as Cognito puts the resource identifier in front of each scope.
   */
  readonly scopesByAudience: ReadonlyMap<string, readonly string[]> | undefined
  /** The `auth_time` claim, in seconds since the epoch; undefined: absent, or no number (SU-3). */
  readonly authTime: number | undefined
  /** The `acr` claim; undefined: absent, or no string (SU-3). */
  readonly acr: string | undefined
  /** The elements of `authorization_details` (RFC 9396); empty when the claim is absent (RA-1). */
  readonly authorizationDetails: readonly Readonly<Record<string, unknown>>[]
  /** What the token is bound to (RFC 7800); undefined: an unbound bearer token. */
  readonly confirmation: Confirmation | undefined
  /** The claims set; read members with `claimAt` only, which ignores the prototype (JO-28). */
  readonly claims: Readonly<Record<string, unknown>>
}

/** The `cnf` of a token. Whoever holds the token must prove every method that is known here (CN-1). */
export interface Confirmation {
  /** Every member of `cnf`, known or not. */
  readonly methods: readonly string[]
  /** RFC 9449 section 6.1: RFC 7638 SHA-256 thumbprint of the key of the DPoP proofs, in base64url. */
  readonly jkt: string | undefined
  /** RFC 8705 section 3.1, `x5t#S256`: SHA-256 of the DER of the client certificate, in base64url. */
  readonly certificate: string | undefined
}

/** The scopes that count at a resource with these audiences. */
export const scopesAt = (token: VerifiedToken, audiences: readonly string[]): readonly string[] => {
  const { scopes, scopesByAudience } = token
  if (scopesByAudience === undefined) return scopes
  // Those of an audience that the token is not for count for nothing (RI-14).
  const own = audiences.filter((audience) => token.audience.includes(audience))
  return [...scopes, ...own.flatMap((audience) => scopesByAudience.get(audience) ?? [])]
}
