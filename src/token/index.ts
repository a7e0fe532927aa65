import type { Outcome } from '../decision/refusal.ts'
import { pass, refuse } from '../decision/refusal.ts'
import { createAside, MOST_ASIDE } from './aside.ts'
import { createTokenCache, type TokenCache } from './cache.ts'
import { formOf, readCompact } from './compact.ts'
import { decrypt, type Opened } from './decrypt.ts'
import type { JsonObject } from './json.ts'
import { createJwtVerifier, type JwtVerifier } from './jwt.ts'
import { malformed } from './malformed.ts'
import type { Proof, TrustedIssuer } from './proof.ts'
import { shown } from './shown.ts'
import type { TokenEvents, TokenVerifier, Verification } from './token-verifier.ts'

export interface TokenVerifierOptions {
  readonly issuers: readonly TrustedIssuer[]
  /** Characters of a token; 0: no limit. */
  readonly tokenSize: number
  /** Proven tokens, shared with the verifiers before and after this one; or the bound in bytes of a cache of its own. */
  readonly cache: TokenCache | number
  readonly events: TokenEvents
}

/**
 * The verifier of all token kinds and all issuers: length, syntax, decryption, `iss`, and then the issuer's own steps
 * (contract section 4). Does not look at the audience. Refuses at once, without a promise, whatever needs no key.
 */
export const createTokenVerifier = ({
  issuers,
  tokenSize,
  cache: shared,
  events,
}: TokenVerifierOptions): TokenVerifier & {
  /** Forgets the proven tokens of one issuer, by its config name. */
  flush(issuer: string): void
} => {
  const cache = typeof shared === 'number' ? createTokenCache(shared) : shared
  const aside = createAside(MOST_ASIDE)
  const verifiers: ReadonlyMap<string, JwtVerifier> = new Map(
    issuers.map((trusted) => [trusted.name, createJwtVerifier(trusted, aside)]),
  )

  const told = <O extends Outcome<unknown>>(issuer: string | undefined, outcome: O): O => {
    events.validated(issuer, outcome.ok ? 'none' : outcome.refusal.reason)
    return outcome
  }

  const kept = (token: string, trusted: TrustedIssuer, proof: Outcome<Proof>): Verification => {
    told(trusted.name, proof)
    if (!proof.ok) return { ...proof, issuer: trusted.name }
    cache.set(token, proof.value, trusted)
    return proof.value.outcome
  }

  const keptLater = (
    token: string,
    trusted: TrustedIssuer,
    proof: Outcome<Proof> | Promise<Outcome<Proof>>,
  ): Verification | Promise<Verification> =>
    proof instanceof Promise ? proof.then((settled) => kept(token, trusted, settled)) : kept(token, trusted, proof)

  /**
   * @param token as sent: what is remembered
   * @param signed the JWS that it is, or that was in it
   * @param by with whose keys it was decrypted; undefined: it was not encrypted
   */
  const verifySigned = (
    token: string,
    signed: string,
    by: readonly TrustedIssuer[] | undefined,
    names: readonly string[],
    now: number,
  ): Verification | Promise<Verification> => {
    const read = readCompact(signed)
    if (!read.ok) return told(undefined, read)
    const chosen = chooseIssuer(read.value.claims, names, verifiers)
    if (!chosen.ok) return told(undefined, chosen)
    const { trusted } = chosen.value
    const fault = by === undefined ? bareFault(trusted) : by.includes(trusted) ? undefined : 'keys of another issuer'
    if (fault !== undefined) {
      return { ...told(trusted.name, refuse({ reason: 'decryption_failed', fault })), issuer: trusted.name }
    }
    return keptLater(token, trusted, chosen.value.prove(signed, read.value, now))
  }

  const verifyEncrypted = (
    token: string,
    names: readonly string[],
    now: number,
  ): Verification | Promise<Verification> => {
    const opened = decrypt(
      token,
      names.map((name) => verifiers.get(name)?.trusted).filter((trusted) => trusted !== undefined),
      aside,
    )
    const read = (outcome: Outcome<Opened>): Verification | Promise<Verification> =>
      outcome.ok ? verifySigned(token, outcome.value.signed, outcome.value.by, names, now) : told(undefined, outcome)
    return opened instanceof Promise ? opened.then(read) : read(opened)
  }

  /** An opaque token goes to the one issuer here that can be asked; config allows no second (IN-10). */
  const verifyOpaque = (token: string, names: readonly string[], now: number): Verification | Promise<Verification> => {
    const trusted = names
      .map((name) => verifiers.get(name)?.trusted)
      .find((candidate) => candidate?.introspection !== undefined)
    if (trusted?.introspection === undefined) return told(undefined, refuse({ reason: 'token_opaque' }))
    return keptLater(token, trusted, trusted.introspection.introspect(token, now))
  }

  return {
    verify(token, names, now) {
      // Before everything that costs by the length, the look-up included (JO-20).
      if (tokenSize > 0 && token.length > tokenSize) {
        return told(undefined, refuse({ reason: 'token_too_long', limit: tokenSize, got: token.length }))
      }
      const known = cache.get(token, names, now, verifiers)
      events.cache(known === undefined ? 'miss' : 'hit')
      if (known !== undefined) return known.outcome
      switch (formOf(token)) {
        case 'signed':
          return verifySigned(token, token, undefined, names, now)
        case 'opaque':
          return verifyOpaque(token, names, now)
        case 'encrypted':
          return verifyEncrypted(token, names, now)
      }
    },
    flush: (issuer) => cache.flush(issuer),
  }
}

/** AT-15: where encryption was agreed on, a token without it is none. */
const bareFault = ({ token }: TrustedIssuer): string | undefined =>
  token.decryption?.required === true ? 'a token that is not encrypted (decryption.required)' : undefined

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
