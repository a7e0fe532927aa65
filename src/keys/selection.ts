import { KeyObject } from 'node:crypto'
import { type CryptoKey, errors, type JWSHeaderParameters } from 'jose'
import { type Outcome, pass } from '../decision/refusal.ts'
import type { KeyHint, VerificationKey } from './key-source.ts'
import type { Vetted } from './vet.ts'

/**
 * What fits a hint. `key`: exactly one; `several`: more than one, and none is tried (AS-13); `unfit`: the `kid` is known
 * and its key is not for this algorithm (JO-5); `absent`: nothing here, a newer set may have it.
 */
export type Found =
  | { readonly kind: 'key'; readonly outcome: Outcome<VerificationKey> }
  | { readonly kind: 'several' }
  | { readonly kind: 'unfit' }
  | { readonly kind: 'absent' }

/** The usable keys of one set, chosen and imported beforehand, so that a request only looks up. */
export interface Selection {
  find(hint: KeyHint): Found
  /** Usable keys. */
  readonly size: number
  /** Equal for two sets with the same usable keys, whatever their order and their other members. */
  readonly fingerprint: string
}

/** jose's key set, local or remote. */
export type KeyResolver = (header: JWSHeaderParameters) => Promise<CryptoKey>

const several: Found = { kind: 'several' }
const unfit: Found = { kind: 'unfit' }
const absent: Found = { kind: 'absent' }

/** That of an issuer without keys. */
export const emptySelection: Selection = { find: () => absent, size: 0, fingerprint: '[]' }

/**
 * Asks jose for the key of every pair of algorithm and `kid` that the set can answer, and keeps the answers. The rules
 * of choice (equal `kid`; `kty`, `crv` and `alg` that fit; exactly one) are jose's; keys whose `use` or `key_ops` forbid
 * it are not in the set any more.
 */
export const createSelection = async (resolve: KeyResolver, { keys }: Vetted): Promise<Selection> => {
  const kids = new Set<string>()
  const named = new Map<string, Map<string, Found>>()
  const nameless = new Map<string, Found>()
  for (const { jwk, algorithms } of keys) {
    const { kid } = jwk
    if (kid !== undefined) kids.add(kid)
    for (const alg of algorithms) {
      if (!nameless.has(alg)) nameless.set(alg, await choose(resolve, { alg }))
      if (kid === undefined) continue
      const byKid = named.get(alg) ?? new Map<string, Found>()
      named.set(alg, byKid)
      if (!byKid.has(kid)) byKid.set(kid, await choose(resolve, { alg, kid }))
    }
  }
  return {
    find: ({ alg, kid }) => {
      if (kid === undefined) return nameless.get(alg) ?? absent
      return named.get(alg)?.get(kid) ?? (kids.has(kid) ? unfit : absent)
    },
    size: keys.length,
    fingerprint: JSON.stringify(keys.map(({ jwk }) => JSON.stringify(jwk)).sort()),
  }
}

const choose = async (resolve: KeyResolver, header: { alg: string; kid?: string }): Promise<Found> => {
  try {
    return { kind: 'key', outcome: pass(KeyObject.from(await resolve(header))) }
  } catch (error) {
    if (error instanceof errors.JWKSMultipleMatchingKeys) return several
    throw error
  }
}
