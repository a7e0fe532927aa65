import type { JsonObject } from '../json.ts'
import type { ScopeClaim } from '../scopes.ts'

/**
 * How one kind of authorization server writes access tokens: a table of claim readers. In every profile `iss` and `exp`
 * are required, an audience is, and the algorithm list holds; a profile cannot loosen these.
 */
export interface Profile {
  /** Claims that must be there besides `iss`, `exp` and the client. */
  readonly required: readonly string[]
  /** Claims that may name the client; the first one present does. Never empty. */
  readonly client: readonly [string, ...string[]]
  readonly clientRequired: boolean
  /** The scopes are those of all these claims together. */
  readonly scopes: readonly ScopeClaim[]
  /**
   * Each scope has the identifier of its resource and a slash in front, and counts there only. These identifiers are the
   * audience where there is no `aud`.
   */
  readonly scopesArePrefixed: boolean
  /**
   * What this is instead of an access token, or undefined. Judged on claims that are not proven yet: it can refuse, and
   * passing it proves nothing. `profile` is the profile in force, with the overrides of the config.
   */
  wrongKind(typ: unknown, claims: JsonObject, profile: Profile): WrongKind | undefined
}

export interface WrongKind {
  readonly expected: string
  readonly got: string
}
