import type { KeyObject } from 'node:crypto'
import type { Outcome } from '../decision/refusal.ts'

/**
 * `cold`: never had a key set; `fresh`: the last refresh succeeded; `stale`: refreshing fails, keys still serve;
 * `expired`: nothing may be verified with them any more (older than `max_stale`).
 */
export type KeyState = 'cold' | 'fresh' | 'stale' | 'expired'

/**
 * A key that may verify, made once when it is loaded: `public`, or `secret` for HMAC and from a secret file only (JO-4).
 * A `KeyObject`, because the engine's one-shot check takes it as it is; see `token/signature.ts`.
 */
export type VerificationKey = KeyObject

/** The header members that choose a key. `kid` is an opaque hint (JO-9). */
export interface KeyHint {
  readonly alg: string
  readonly kid: string | undefined
}

/** The keys of one issuer. Nothing in a token ever causes a request to a place the token names (JO-10). */
export interface KeySource {
  readonly state: KeyState
  /** Changes whenever a token that was proven before must be proven again: keys replaced, removed or expired. */
  readonly generation: number
  /**
   * The one key that fits. Refuses with `key_unknown` (the client's fault: the last fetch was good and no key fits) or
   * `keys_unavailable` (never the client's fault). A promise only where keys are not here yet or a fetch may bring one.
   */
  resolve(hint: KeyHint, now: number): Outcome<VerificationKey> | Promise<Outcome<VerificationKey>>
  report(): KeyReport
  /** Settles after the first attempt to load, good or bad. Never rejects. */
  readonly started: Promise<void>
  /** Loads the keys again now, so that a removed one ends at once (AS-11). A failure keeps what is there. Never rejects. */
  reload(): Promise<void>
  close(): Promise<void>
}

/** For `/issuers`, `/readyz?verbose` and `check --online`: no key material. */
export interface KeyReport {
  readonly state: KeyState
  readonly keys: number
  /** Seconds since the epoch; undefined: never. */
  readonly lastSuccess: number | undefined
  readonly lastError: string | undefined
  readonly jwksUri: string | undefined
}

export type FetchResult =
  | 'ok'
  | 'not_modified'
  | 'timeout'
  | 'connect'
  | 'tls'
  | 'http'
  | 'parse'
  | 'too_large'
  | 'empty'

/** What a key source reports; wired to metrics and log by the composition root. */
export interface KeyEvents {
  /** One attempt to load remote keys, the look at the metadata included. */
  fetched(issuer: string, result: FetchResult, message: string | undefined): void
  /** After each attempt to load and when keys expire: the report may differ from the last one in its times only. */
  stateChanged(issuer: string, report: KeyReport): void
  unknownKid(issuer: string): void
  /** A key of a set that is not used, and why (JO-7, JO-8). Never key material. Not repeated by each refresh. */
  keyDropped(issuer: string, kid: string | undefined, why: string): void
  /** The two discovery documents disagree, and the like (AS-7). */
  warned(issuer: string, message: string): void
}
