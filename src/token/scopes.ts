/** A claim that holds scopes, and how they are written in it. */
export interface ScopeClaim {
  readonly claim: string
  /** Anything in, scopes out; what is not understood gives none. */
  readonly read: (value: unknown) => readonly string[]
}

/** Scopes in one string, separated by SP and nothing else; a value of another type says nothing (AT-12). */
export const spaceSeparated: ScopeClaim['read'] = (value) =>
  typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : []

/** An array whose members are whole scopes; a value of another type says nothing. */
export const listed: ScopeClaim['read'] = (value) => (isStringArray(value) ? value : [])

/** As {@link spaceSeparated}, or an array whose members are whole scopes: `["a b"]` is one scope with a space in it. */
export const spaceSeparatedOrList: ScopeClaim['read'] = (value) =>
  isStringArray(value) ? value : spaceSeparated(value)

export const isStringArray = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((member) => typeof member === 'string')

/** Scopes as an issuer writes them that puts the identifier of the resource in front, taken apart. */
export interface SplitScopes {
  /** Those without an identifier: `openid`. */
  readonly plain: readonly string[]
  readonly byAudience: ReadonlyMap<string, readonly string[]>
}

/**
 * `https://api.example.com/orders/orders:read` is `orders:read` at `https://api.example.com/orders`. Split at the last
 * slash: names of Cognito's scopes cannot hold one, identifiers can. Without an identifier or a name it stays whole.
 */
export const splitScopes = (scopes: Iterable<string>): SplitScopes => {
  const plain: string[] = []
  const byAudience = new Map<string, string[]>()
  for (const scope of scopes) {
    const slash = scope.lastIndexOf('/')
    const audience = scope.slice(0, Math.max(slash, 0))
    const name = scope.slice(slash + 1)
    if (audience === '' || name === '') {
      plain.push(scope)
      continue
    }
    const names = byAudience.get(audience)
    if (names === undefined) byAudience.set(audience, [name])
    else names.push(name)
  }
  return { plain, byAudience }
}
