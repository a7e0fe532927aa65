import { spaceSeparated } from '../scopes.ts'
import { AT_JWT, foreignKind, isType, wrongType } from './kind.ts'
import type { Profile } from './profile.ts'

/** RFC 9068, to the letter: `typ` is `at+jwt` (AT-1, AT-2) and every claim that section 2.2 requires is there (AT-4). */
export const rfc9068: Profile = {
  required: ['sub', 'iat', 'jti'],
  client: ['client_id'],
  clientRequired: true,
  scopes: [{ claim: 'scope', read: spaceSeparated }],
  scopesArePrefixed: false,
  wrongKind(typ, claims, profile) {
    if (isType(typ, [AT_JWT])) return undefined
    // The commonest mistake of a client is to send its ID token: the operator should read that word (AT-3).
    return wrongType('at+jwt', typ, foreignKind(claims, profile))
  },
}
