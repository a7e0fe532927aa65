import type { VerifiedToken } from '../decision/token.ts'
import type { DecryptionKeys } from '../keys/decryption-keys.ts'
import type { KeySource } from '../keys/key-source.ts'
import type { Introspector } from './introspection/introspector.ts'
import type { TokenOptions } from './options.ts'
import type { Lifetime } from './times.ts'

/** An issuer whose tokens may be proven, with the keys that are its own (AT-6). */
export interface TrustedIssuer {
  /** Of the config. */
  readonly name: string
  /** Compared with `iss`, character for character (AT-5). */
  readonly issuer: string
  readonly token: TokenOptions
  readonly keys: KeySource
  /** Undefined: its tokens must not be encrypted (AT-15). */
  readonly decryption: DecryptionKeys | undefined
  /** Undefined: it writes no opaque tokens. */
  readonly introspection: Introspector | undefined
}

/** A token that was proven, and how long that may be relied on. */
export interface Proof {
  readonly outcome: { readonly ok: true; readonly value: VerifiedToken }
  readonly lifetime: Lifetime
  /** {@link generationOf} the issuer before a key was asked for: if keys changed meanwhile, the proof is already void. */
  readonly generation: number
  /** How long the claims are where the token does not hold them, as with introspection: for who bounds memory by it. */
  readonly claimsLength?: number
}

/** Changes whenever any key of the issuer does. */
export const generationOf = ({ keys, decryption }: TrustedIssuer): number =>
  keys.generation + (decryption?.generation ?? 0)
