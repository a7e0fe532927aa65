import type { Outcome } from '../decision/refusal.ts'
import { refuse } from '../decision/refusal.ts'
import type { VerificationKey } from '../keys/key-source.ts'
import type { Aside } from './aside.ts'
import type { Unproven } from './compact.ts'
import { profileOf } from './profile/index.ts'
import { generationOf, type Proof, type TrustedIssuer } from './proof.ts'
import { proveClaims } from './prove-claims.ts'
import { shown } from './shown.ts'
import { checkSignature, checkSignatureAside, isSlowToCheck } from './signature.ts'

export interface JwtVerifier {
  readonly trusted: TrustedIssuer
  /**
   * Proves one token of this issuer. `unproven` is what `readCompact` found in `token`, and its `iss` has been compared.
   * A promise only where the key has to be waited for, or its check is left to another thread. Neither throws nor rejects.
   */
  prove(token: string, unproven: Unproven, now: number): Outcome<Proof> | Promise<Outcome<Proof>>
}

/** The verifier of one issuer: `typ`, `alg`, key, signature, required claims, times, in this order (contract section 4). */
export const createJwtVerifier = (trusted: TrustedIssuer, aside: Aside): JwtVerifier => {
  const { name, token: options, keys } = trusted
  const profile = profileOf(options)

  const prove: JwtVerifier['prove'] = (token, { header, claims }, now) => {
    const { typ, alg, kid } = header
    const kind = profile.wrongKind(typ, claims, profile)
    if (kind !== undefined) return refuse({ reason: 'token_type_wrong', ...kind })
    // Case counts (JO-2), and only the list of this issuer does (JO-1): no list holds `none` (JO-3).
    if (typeof alg !== 'string' || !options.algorithms.includes(alg)) {
      return refuse({ reason: 'algorithm_refused', expected: options.algorithms, got: shown(alg) })
    }
    const generation = generationOf(trusted)
    const judge = (signed: boolean): Outcome<Proof> =>
      signed
        ? proveClaims(trusted, claims, profile, now, generation)
        : refuse({ reason: 'signature_invalid', issuer: name })
    const proveWith = (key: Outcome<VerificationKey>): Outcome<Proof> | Promise<Outcome<Proof>> => {
      if (!key.ok) return key
      if (!isSlowToCheck(key.value)) return judge(checkSignature(token, alg, key.value))
      const checked = aside.run(() => checkSignatureAside(token, alg, key.value))
      return checked?.then(judge) ?? busy(name)
    }
    const key = keys.resolve({ alg, kid }, now)
    return key instanceof Promise ? key.then(proveWith) : proveWith(key)
  }

  return {
    trusted,
    prove(token, unproven, now) {
      try {
        const outcome = prove(token, unproven, now)
        return outcome instanceof Promise ? outcome.catch(faulty) : outcome
      } catch {
        return faulty()
      }
    },
  }
}

/** More checks wait than are worth waiting for. Nobody's token is refused for that (AS-12). */
export const busy = (issuer: string) =>
  refuse({ reason: 'keys_unavailable', issuer, retryAfterSeconds: 1, fault: 'too many checks under way' })

/** A key source that throws breaks its promise. That is our fault, not the client's, and it must not let anyone in. */
const faulty = () => refuse({ reason: 'internal' })
