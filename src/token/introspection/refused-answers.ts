import { LRUCache } from 'lru-cache'
import { type Outcome, type Refusal, refuse } from '../../decision/refusal.ts'

/** Answers that let nobody in, for as long as they count. */
export interface RefusedAnswers {
  get(id: string, now: number): Outcome<never> | undefined
  /** @param askedAt when the question was asked, in seconds since the epoch */
  set(id: string, askedAt: number, refusal: Refusal): void
}

/** A token may be young, and its issuer's replicas not know it yet (IN-6). */
const longestSeconds = 5

/** For how long an answer that lets nobody in counts, in seconds: never longer than one that does. */
export const refusedSeconds = (cacheSeconds: number): number => Math.min(longestSeconds, cacheSeconds)

const mostEntries = 10_000

/** With a longer one, what an issuer writes into its answers would decide how much memory is used. */
const longestRefusal = 1024

/**
 * Keeps refusals apart from the answers `active`, so that a flood of random strings can push out nothing but its like.
 * Not kept are those that say nothing of the token, and a token that is not valid yet, which soon may be.
 */
export const createRefusedAnswers = (cacheSeconds: number): RefusedAnswers => {
  const seconds = refusedSeconds(cacheSeconds)
  const entries = new LRUCache<string, { readonly from: number; readonly until: number; readonly refusal: Refusal }>({
    max: mostEntries,
  })
  return {
    get: (id, now) => {
      const entry = entries.get(id)
      return entry !== undefined && entry.from <= now && now < entry.until ? refuse(entry.refusal) : undefined
    },
    set: (id, askedAt, refusal) => {
      const passing = ['introspection_unavailable', 'internal', 'token_not_yet_valid'].includes(refusal.reason)
      if (passing || seconds <= 0 || JSON.stringify(refusal).length > longestRefusal) return
      entries.set(id, { from: askedAt, until: askedAt + seconds, refusal })
    },
  }
}
