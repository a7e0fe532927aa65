import { listed, spaceSeparated } from '../scopes.ts'
import { AT_JWT, foreignKind, isType, judgeKind, namesOf, noneOf, PLAIN_JWT } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Auth0, in both of its dialects: that of RFC 9068 (`typ: at+jwt`, `client_id`, `jti`) and its own (`typ: JWT`, `azp`, no
 * `jti`), where the claims have to tell an ID token. `permissions` is there if the API adds them, and counts as `scope` does.
 */
export const auth0: Profile = {
  required: ['sub', 'iat'],
  client: ['azp', 'client_id'],
  clientRequired: true,
  scopes: [
    { claim: 'scope', read: spaceSeparated },
    { claim: 'permissions', read: listed },
  ],
  scopesArePrefixed: false,
  wrongKind(typ, claims, profile) {
    if (isType(typ, [AT_JWT])) return undefined
    const kind = foreignKind(claims, profile) ?? noneOf(claims, namesOf(profile))
    return judgeKind('at+jwt or JWT', typ, [PLAIN_JWT], kind)
  },
}
