import type { Outcome } from '../decision/refusal.ts'
import { pass, refuse } from '../decision/refusal.ts'
import { createTokenCache } from './cache.ts'
import { readCompact } from './compact.ts'
import type { JsonObject } from './json.ts'
import { createJwtVerifier, type JwtVerifier, type Proof, type TrustedIssuer } from './jwt.ts'
import { malformed } from './malformed.ts'
import { shown } from './shown.ts'
import type { TokenEvents, TokenVerifier, Verification } from './token-verifier.ts'

export interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[]
  /** Characters of a token; 0: no limit. */
  readonly tokenSize: number
  /** Bound of the cache of proven tokens. */
  readonly cacheBytes: number
  readonly events: TokenEvents
}

/**
 * The verifier of all token kinds and all issuers: length, syntax, decryption, `iss`, and then the issuer's own steps
 * (contract section 4). Does not look at the audience. Refuses at once, without a promise, whatever needs no key.
 */
export const createTokenVerifier = ({
  issuers,
  tokenSize,
  cacheBytes,
  events,
}: TokenVerifierOptions): TokenVerifier & {
  /** Forgets the proven tokens of one issuer, by its config name. */
  flush(issuer: string): void
} => {
  const cache = createTokenCache(cacheBytes)
  const verifiers: ReadonlyMap<string, JwtVerifier> = new Map(
    issuers.map((trusted) => [trusted.name, createJwtVerifier(trusted)]),
  )

  const told = <T>(issuer: string | undefined, outcome: Outcome<T>): Outcome<T> => {
    events.validated(issuer, outcome.ok ? 'none' : outcome.refusal.reason)
    return outcome
  }

  const kept = (token: string, trusted: TrustedIssuer, proof: Outcome<Proof>): Verification => {
    told(trusted.name, proof)
    if (!proof.ok) return { ...proof, issuer: trusted.name }
    cache.set(token, proof.value, trusted)
    return proof.value.outcome
  }

  return {
    verify(token, names, now) {
      // Before everything that costs by the length, the look-up included (JO-20).
      if (tokenSize > 0 && token.length > tokenSize) {
        return told(undefined, refuse({ reason: 'token_too_long', limit: tokenSize, got: token.length }))
      }
      const known = cache.get(token, names, now)
      events.cache(known === undefined ? 'miss' : 'hit')
      if (known !== undefined) return known.outcome
      const read = readCompact(token)
      if (!read.ok) return told(undefined, read)
      const chosen = chooseIssuer(read.value.claims, names, verifiers)
      if (!chosen.ok) return told(undefined, chosen)
      const { trusted } = chosen.value
      const proof = chosen.value.prove(token, read.value, now)
      return proof instanceof Promise
        ? proof.then((settled) => kept(token, trusted, settled))
        : kept(token, trusted, proof)
    },
    flush: (issuer) => cache.flush(issuer),
  }
}

/**
 * The verifier of the issuer that the unproven `iss` names, out of those that count here (AT-5, AT-6). Equality of
 * strings, and nothing is fetched: `iss` is a name to compare, never a place to ask.
 */
const chooseIssuer = (
  claims: JsonObject,
  names: readonly string[],
  verifiers: ReadonlyMap<string, JwtVerifier>,
): Outcome<JwtVerifier> => {
  const { iss } = claims
  if (iss === undefined) return refuse({ reason: 'claim_missing', claim: 'iss' })
  if (typeof iss !== 'string') return malformed('claims: iss is not a string')
  const candidates = names.map((name) => verifiers.get(name)).filter((verifier) => verifier !== undefined)
  const verifier = candidates.find(({ trusted }) => trusted.issuer === iss)
  if (verifier !== undefined) return pass(verifier)
  const expected = candidates.map(({ trusted }) => trusted.issuer)
  return refuse({ reason: 'issuer_untrusted', expected, got: shown(iss), audience: stringsOf(claims.aud) })
}

/** Not proven, and capped: for a person to read. */
const stringsOf = (value: unknown): readonly string[] =>
  (Array.isArray(value) ? value.slice(0, 16) : [value]).filter((item) => typeof item === 'string')
