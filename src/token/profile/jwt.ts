import { mediaType } from '../media-type.ts'
import { spaceSeparated } from '../scopes.ts'
import { shown } from '../shown.ts'
import { AT_JWT, foreignKind, isForeignType, isType, namesOf, noneOf } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Servers that write access tokens with `typ: JWT` or none (AT-3). `typ` may be anything but a known other kind; unless
 * it is `at+jwt`, nothing may look like an ID token or a logout token, and a client or a scope must be named.
 */
export const jwt: Profile = {
  required: [],
  client: ['client_id'],
  clientRequired: false,
  scopes: [{ claim: 'scope', read: spaceSeparated }],
  scopesArePrefixed: false,
  wrongKind(typ, claims, profile) {
    const wrong = (got: string) => ({ expected: 'an access token', got })
    if (isType(typ, [AT_JWT])) return undefined
    if (typ !== undefined && (typeof typ !== 'string' || isForeignType(mediaType(typ)))) return wrong(shown(typ))
    const kind = foreignKind(claims, profile) ?? noneOf(claims, namesOf(profile))
    return kind === undefined ? undefined : wrong(kind)
  },
}
