import type { KeyObject } from 'node:crypto'

/** The members of a JWE header that choose a key. `kid` is an opaque hint (JO-9). */
export interface DecryptionHint {
  readonly alg: string
  readonly enc: string
  readonly kid: string | undefined
}

/** The private keys with which encrypted tokens of one issuer are opened. Nothing in a token brings a key of its own. */
export interface DecryptionKeys {
  /** Changes whenever a token that was opened before must be opened again: keys replaced or removed. */
  readonly generation: number
  /** Those that fit, at most a few; empty: none does. Never waits. */
  candidates(hint: DecryptionHint): readonly KeyObject[]
  /** Settles after the first attempt to load, good or bad. Never rejects. */
  readonly started: Promise<void>
  /** How many keys there are, and why not more. No key material. */
  report(): { readonly keys: number; readonly lastError: string | undefined }
  /** Reads the file again now. A failure keeps what is there. Never rejects. */
  reload(): Promise<void>
  close(): Promise<void>
}
