import { LRUCache } from 'lru-cache'
import { generationOf, type Proof, type TrustedIssuer } from './proof.ts'

/**
 * Proven tokens by the token itself. What is kept is what the token says, never whether it was good for a resource:
 * audience, scopes and claims are judged on every request (RI-12).
 *
 * The key is the whole credential and not a hash or a part of it, so two tokens cannot meet under one key, and nothing is
 * joined into it that could be joined otherwise. Only proven tokens come in, and those are canonical (`readCompact`), so
 * no second spelling of the same bytes finds or makes an entry (JO-16). The issuer is not in the key because the token
 * names it: an entry counts only for requests where that issuer is trusted, and only with the keys it was proven with.
 */
export interface TokenCache {
  /**
   * The proof, if its issuer is one of `issuers`, its keys have not changed, and the token counts at `now`.
   *
   * @param trusted who has these names now: what another of the same name has proven, before a reload, is void
   */
  get(
    token: string,
    issuers: readonly string[],
    now: number,
    trusted: ReadonlyMap<string, { readonly trusted: TrustedIssuer }>,
  ): Proof | undefined
  set(token: string, proof: Proof, trusted: TrustedIssuer): void
  /** Forgets the tokens of one issuer, by its config name. */
  flush(issuer: string): void
  /** Estimated; never above the bound. */
  readonly bytes: number
}

interface Entry {
  readonly proof: Proof
  readonly trusted: TrustedIssuer
}

/**
 * What an entry weighs, from heap measurements of tokens of 380 to 6,000 characters: the estimate was 8 to 70 % above the
 * truth for claims as servers write them, and at worst (thousands of empty objects) a fifth of it. Only a trusted issuer
 * could sign such tokens.
 */
const ENTRY_OVERHEAD_BYTES = 1500
const BYTES_PER_CHARACTER = 3

/** Bounded by `maxBytes`, a positive integer; the least recently used go first. Only proven tokens cost anything. */
export const createTokenCache = (maxBytes: number): TokenCache => {
  const entries = new LRUCache<string, Entry>({
    maxSize: maxBytes,
    sizeCalculation: ({ proof }, token) =>
      ENTRY_OVERHEAD_BYTES + BYTES_PER_CHARACTER * (token.length + (proof.claimsLength ?? 0)),
  })

  return {
    get(token, issuers, now, current) {
      const entry = entries.get(token)
      if (entry === undefined) return undefined
      const { proof, trusted } = entry
      // Left where it is: the token is good, at a resource that trusts its issuer.
      if (!issuers.includes(trusted.name) || current.get(trusted.name)?.trusted !== trusted) return undefined
      const { validFrom, endsAt } = proof.lifetime
      if (proof.generation === generationOf(trusted) && validFrom <= now && now < endsAt) return proof
      entries.delete(token)
      return undefined
    },
    set(token, proof, trusted) {
      entries.set(token, { proof, trusted })
    },
    flush(issuer) {
      for (const token of [...entries.keys()]) {
        if (entries.peek(token)?.trusted.name === issuer) entries.delete(token)
      }
    },
    get bytes() {
      return entries.calculatedSize
    },
  }
}
