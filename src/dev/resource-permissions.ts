import type { DevOptions } from './options.ts'

/** One API that tokens are issued for, and the scopes that its routes name. */
export interface ProtectedResource {
  /** RFC 8707 resource indicator: becomes `aud` byte for byte (RI-4). */
  readonly indicator: string
  readonly scopes: readonly string[]
  /** JWS algorithm of its access tokens; default RS256. */
  readonly algorithm?: string
  /** How its access tokens are written; default `jwt`. `opaque`: only the introspection endpoint can read them. */
  readonly format?: 'jwt' | 'opaque'
}

/** Every scope that can be asked for at that resource: those of its routes, then those that only a role names. */
export const knownScopes = (resource: ProtectedResource, roles: DevOptions['roles']): readonly string[] => [
  ...new Set([...resource.scopes, ...permissionsOf([...roles.keys()], resource.indicator, roles)]),
]

/** What those roles permit at that resource, without repetition. An unknown role permits nothing. */
export const permissionsOf = (
  held: readonly string[],
  indicator: string,
  roles: DevOptions['roles'],
): readonly string[] => [...new Set(held.flatMap((role) => roles.get(role)?.get(indicator) ?? []))]

/**
 * The permissions that were asked for. `undefined` means that no scope was named: RFC 6749 section 3.3 leaves the
 * default to the server, and ours is everything that is permitted. An empty list asks for nothing and gets nothing.
 */
export const cutToAsked = (permitted: readonly string[], asked: readonly string[] | undefined): readonly string[] =>
  asked === undefined ? permitted : permitted.filter((scope) => asked.includes(scope))

/**
 * Which resource a token request without `resource` is for, out of those that the code or refresh token is restricted
 * to (RFC 8707 section 2.2): the default resource when it was granted, else the only one that was. Several and no
 * default in the configuration: `none`, an opaque token that no API accepts. Several and a default that was not
 * granted: `ambiguous`, because any choice would be a guess.
 */
export const resourceWithoutAsking = (
  granted: readonly string[],
  defaultResource: string | undefined,
): { readonly kind: 'one'; readonly indicator: string } | { readonly kind: 'none' | 'ambiguous' } => {
  if (defaultResource !== undefined && granted.includes(defaultResource)) {
    return { kind: 'one', indicator: defaultResource }
  }
  const [first, ...others] = granted
  if (first !== undefined && others.length === 0) return { kind: 'one', indicator: first }
  return { kind: defaultResource === undefined ? 'none' : 'ambiguous' }
}
