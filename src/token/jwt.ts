import type { Outcome, Refusal } from '../decision/refusal.ts'
import { pass, refuse } from '../decision/refusal.ts'
import type { VerifiedToken } from '../decision/token.ts'
import type { KeySource } from '../keys/key-source.ts'
import { readClaims } from './claims.ts'
import type { Unproven } from './compact.ts'
import type { TokenOptions } from './options.ts'
import { profileOf } from './profile/index.ts'
import { shown } from './shown.ts'
import { checkSignature } from './signature.ts'
import { type Lifetime, lifetimeOf, timeRefusal } from './times.ts'

/** An issuer whose tokens may be proven, with the keys that are its own (AT-6). */
export interface TrustedIssuer {
  /** Of the config. */
  readonly name: string
  /** Compared with `iss`, character for character (AT-5). */
  readonly issuer: string
  readonly token: TokenOptions
  readonly keys: KeySource
}

/** A token that was proven, and how long that may be relied on. */
export interface Proof {
  readonly outcome: { readonly ok: true; readonly value: VerifiedToken }
  readonly lifetime: Lifetime
  /** `KeySource.generation` before the key was asked for: if keys changed meanwhile, the proof is already void. */
  readonly generation: number
}

export interface JwtVerifier {
  readonly trusted: TrustedIssuer
  /**
   * Proves one token of this issuer. `unproven` is what `readCompact` found in `token`, and its `iss` has been compared.
   * A wrong `typ` or `alg` is refused at once, before a key is looked for; the rest is a promise that never rejects.
   */
  prove(token: string, unproven: Unproven, now: number): Outcome<Proof> | Promise<Outcome<Proof>>
}

/** The verifier of one issuer: `typ`, `alg`, key, signature, required claims, times, in this order (contract section 4). */
export const createJwtVerifier = (trusted: TrustedIssuer): JwtVerifier => {
  const { name, token: options, keys } = trusted
  const profile = profileOf(options)

  const proveSignature = async (
    token: string,
    alg: string,
    kid: string | undefined,
    now: number,
  ): Promise<Refusal | undefined> => {
    const key = await keys.resolve({ alg, kid }, now)
    if (!key.ok) return key.refusal
    const proven = await checkSignature(token, alg, key.value)
    return proven ? undefined : { reason: 'signature_invalid', issuer: name }
  }

  const proveWithKey = async (
    token: string,
    { header, claims }: Unproven,
    alg: string,
    now: number,
  ): Promise<Outcome<Proof>> => {
    try {
      const { generation } = keys
      const refusal = await proveSignature(token, alg, header.kid, now)
      if (refusal !== undefined) return refuse(refusal)
      const read = readClaims(claims, profile)
      if (!read.ok) return read
      const { dates, ...facts } = read.value
      const untimely = timeRefusal(dates, options.clockToleranceSeconds, now)
      if (untimely !== undefined) return refuse(untimely)
      const verified: VerifiedToken = { issuer: name, iss: trusted.issuer, ...facts, expiresAt: dates.exp, claims }
      return pass({
        outcome: { ok: true, value: verified },
        lifetime: lifetimeOf(dates, options.clockToleranceSeconds),
        generation,
      })
    } catch {
      // A key source that throws breaks its promise. That is our fault, not the client's, and it must not let anyone in.
      return refuse({ reason: 'internal' })
    }
  }

  return {
    trusted,
    prove(token, unproven, now) {
      const { typ, alg } = unproven.header
      const kind = profile.wrongKind(typ, unproven.claims, profile)
      if (kind !== undefined) return refuse({ reason: 'token_type_wrong', ...kind })
      // Case counts (JO-2), and only the list of this issuer does (JO-1): no list holds `none` or an HMAC (JO-3, JO-4).
      if (typeof alg !== 'string' || !options.algorithms.includes(alg)) {
        return refuse({ reason: 'algorithm_refused', expected: options.algorithms, got: shown(alg) })
      }
      return proveWithKey(token, unproven, alg, now)
    },
  }
}
