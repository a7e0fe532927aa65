/** A claim that holds scopes, and how they are written in it. */
export interface ScopeClaim {
  readonly claim: string
  /** Anything in, scopes out; what is not understood gives none. */
  readonly read: (value: unknown) => readonly string[]
}

/** Scopes in one string, separated by SP and nothing else; a value of another type says nothing (AT-12). */
export const spaceSeparated: ScopeClaim['read'] = (value) =>
  typeof value === 'string' ? value.split(' ').filter((scope) => scope !== '') : []

/** As {@link spaceSeparated}, or an array whose members are whole scopes: `["a b"]` is one scope with a space in it. */
export const spaceSeparatedOrList: ScopeClaim['read'] = (value) =>
  isStringArray(value) ? value : spaceSeparated(value)

export const isStringArray = (value: unknown): value is readonly string[] =>
  Array.isArray(value) && value.every((member) => typeof member === 'string')
