import { hash, type KeyObject } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import { normalizeHtu } from '../../decision/public-uri.ts'
import { type Outcome, pass, type Refusal, refuse } from '../../decision/refusal.ts'
import type { Store, Stored } from '../../store/store.ts'
import { createAside, MOST_ASIDE } from '../aside.ts'
import { equalTexts } from '../equal-texts.ts'
import type { ProofOptions } from '../options.ts'
import { checkSignature, checkSignatureAside, isSlowToCheck } from '../signature.ts'
import type { Nonces } from './nonces.ts'
import { importProofKey } from './proof-key.ts'
import { readProof, type UnprovenProof } from './read-proof.ts'

/** What of a request its DPoP proof must be about. */
export interface ProvenRequest {
  /** Every `DPoP` field line (DP-1). */
  readonly proofs: readonly string[]
  readonly method: string
  /** The public URI, without query and normalised: `publicUri` (DP-7). */
  readonly uri: string
}

/** Checks DPoP proofs (RFC 9449 section 4.3). Never rejects. */
export interface ProofVerifier {
  /** What it takes, and for how long it remembers: for the one that comes after it. */
  readonly window: ProofWindow
  /**
   * Checks the one proof of a request: syntax, `htm`, `htu`, `iat`, `ath`, nonce, signature, and that it was not seen
   * before. It is noted as seen only when everything else is right and its key is `boundTo` (DP-15). Refuses with
   * `proof_missing`, `proof_invalid`, `nonce_required`, `proof_replayed` or `store_unavailable`. A promise only where
   * the store has to be waited for, or a key that is slow.
   *
   * @param token the access token that came with it
   * @param boundTo `cnf.jkt` of the token
   * @param now seconds since the epoch
   * @returns the thumbprint of the proof's key, which may be another than `boundTo`: `authorize` compares them
   */
  prove(request: ProvenRequest, token: string, boundTo: string, now: number): Outcome<string> | Promise<Outcome<string>>
}

/** How old proofs may be, in seconds. */
export interface ProofWindow {
  readonly age: number
  /** How far ahead the clock of a client may be. */
  readonly ahead: number
  /** Proofs whose `iat` is not above `until` may have been noted for a shorter time: no longer than `age` are they taken. */
  readonly noted: { readonly until: number; readonly age: number } | undefined
}

export interface ProofDependencies {
  /** Where used proofs are noted. */
  readonly store: Pick<Store, 'putIfAbsent'>
  /** Undefined: no nonces are asked for. */
  readonly nonces: Nonces | undefined
  readonly events: ProofEvents
}

/** What is reported; wired to the metrics by the composition root. */
export interface ProofEvents {
  /** The store could not be asked, and what depended on it was decided without it. */
  degraded(op: 'replay', policy: 'closed'): void
}

/** Keys of clients that are kept, so that one who comes again costs no import. A few MiB. */
const MAX_KEYS = 4096

/** How far ahead the clock of a client may be at least. */
const MIN_AHEAD_SECONDS = 5

/**
 * After a reload somebody may still note proofs by the config before: requests that began on it and wait for keys, and
 * other replicas that have not seen the file yet.
 */
const SETTLING_SECONDS = 60

/**
 * A used proof is forgotten when nobody would have taken it any more: where `age` grows it must not be good again (DP-15).
 *
 * @param at when `age` begins to count, in seconds since the epoch
 */
const notedBefore = (before: ProofWindow, age: number, at: number): ProofWindow['noted'] => {
  const { noted } = before
  if (age <= before.age) return noted
  const counts = noted !== undefined && noted.until > at - before.age
  return {
    until: at + before.ahead + SETTLING_SECONDS,
    age: counts ? Math.min(noted.age, before.age) : before.age,
  }
}

/**
 * The verifier for all resources. A proof counts from `iat`, less a tenth of `ageMs` (5 s at least) for clocks that are
 * ahead, to `iat` plus `ageMs` (DP-8), and no second time within that (DP-15).
 *
 * What costs least is looked at first, the signature last, and only what passed is noted: a `jti` in a proof that is
 * wrong in anything else is not burnt. Replay protection fails closed.
 *
 * @param since the window until now, and when the new one takes its place, in seconds since the epoch; undefined: the first
 */
export const createProofVerifier = (
  { ageMs, algorithms }: Pick<ProofOptions, 'ageMs' | 'algorithms'>,
  { store, nonces, events }: ProofDependencies,
  since?: { readonly before: ProofWindow; readonly at: number },
): ProofVerifier => {
  const ageSeconds = ageMs / 1000
  const aheadSeconds = Math.max(MIN_AHEAD_SECONDS, ageSeconds / 10)
  const noted = since && notedBefore(since.before, ageSeconds, since.at)
  const keys = new LRUCache<string, KeyObject>({ max: MAX_KEYS })
  const aside = createAside(MOST_ASIDE)

  /** Why it is not about this request and this token. */
  const mismatch = (
    { htm, htu, iat, ath }: UnprovenProof,
    { method, uri }: ProvenRequest,
    token: string,
    now: number,
  ): string | undefined => {
    if (htm !== method) return 'an htm of another method'
    if (normalizeHtu(htu) !== uri) return 'an htu of another URI'
    if (iat < now - (noted !== undefined && iat <= noted.until ? Math.min(noted.age, ageSeconds) : ageSeconds))
      return 'an iat too long ago (dpop.proof_age)'
    if (iat > now + aheadSeconds) return 'an iat in the future'
    return equalTexts(ath, hash('sha256', token, 'base64url')) ? undefined : 'an ath of another token'
  }

  /** DP-17: in every proof, and ours. */
  const wantedNonce = ({ nonce }: UnprovenProof, now: number): Refusal | undefined => {
    if (nonces === undefined || (nonce !== undefined && nonces.isFresh(nonce, now))) return undefined
    const fault = nonce === undefined ? 'none' : 'one that is too old or not ours'
    return { reason: 'nonce_required', nonce: nonces.current(now), fault }
  }

  const answered = (thumbprint: string, answer: Stored<boolean>): Outcome<string> => {
    if (answer.ok) return answer.value ? pass(thumbprint) : refuse({ reason: 'proof_replayed' })
    events.degraded('replay', 'closed')
    return refuse({ reason: 'store_unavailable', operation: 'put_if_absent', retryAfterSeconds: 1 })
  }

  const note = (
    { key: { thumbprint }, jti, iat }: UnprovenProof,
    uri: string,
    now: number,
  ): Outcome<string> | Promise<Outcome<string>> => {
    // As long as any replica would take it, also one whose clock is behind. The URI in its one spelling, and not as the
    // proof writes it; a `jti` is unique for its client only, so the key takes part.
    const seconds = iat + ageSeconds + aheadSeconds - now
    const id = `ag:jti:${hash('sha256', JSON.stringify([thumbprint, uri, jti]), 'base64url')}`
    const answer = store.putIfAbsent(id, Math.ceil(seconds * 1000))
    if (!(answer instanceof Promise)) return answered(thumbprint, answer)
    return answer.then(
      (settled) => answered(thumbprint, settled),
      () => answered(thumbprint, { ok: false }),
    )
  }

  return {
    window: { age: ageSeconds, ahead: aheadSeconds, noted },
    prove(request, token, boundTo, now) {
      const [text] = request.proofs
      if (text === undefined) return refuse({ reason: 'proof_missing', methods: ['jkt'] })
      if (request.proofs.length > 1) return invalid('more than one DPoP field line')
      const read = readProof(text, algorithms)
      if (!read.ok) return invalid(read.fault)
      const proof = read.value
      const fault = mismatch(proof, request, token, now)
      if (fault !== undefined) return invalid(fault)
      const nonceless = wantedNonce(proof, now)
      if (nonceless !== undefined) return refuse(nonceless)
      const { alg, key: brought } = proof
      const { thumbprint } = brought
      const key = keys.get(thumbprint) ?? importProofKey(brought)
      if (key === undefined) return invalid('a jwk that is no key')
      const judge = (signed: boolean): Outcome<string> | Promise<Outcome<string>> => {
        if (!signed) return invalid('a signature that is not by its jwk')
        if (thumbprint !== boundTo) return pass(thumbprint)
        // Only keys that tokens are bound to are kept: strangers cannot push out those of clients.
        keys.set(thumbprint, key)
        return note(proof, request.uri, now)
      }
      // Where too many wait already, this client pays with the time of all: it holds a token for this resource.
      const checked = isSlowToCheck(key) ? aside.run(() => checkSignatureAside(text, alg, key)) : undefined
      return checked?.then(judge) ?? judge(checkSignature(text, alg, key))
    },
  }
}

const invalid = (fault: string): Outcome<never> => refuse({ reason: 'proof_invalid', fault })
