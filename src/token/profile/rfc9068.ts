import { mediaType } from '../media-type.ts'
import { spaceSeparated } from '../scopes.ts'
import { shown } from '../shown.ts'
import { foreignKind } from './kind.ts'
import type { Profile } from './profile.ts'

/** RFC 9068, to the letter: `typ` is `at+jwt` (AT-1, AT-2) and every claim that section 2.2 requires is there (AT-4). */
export const rfc9068: Profile = {
  required: ['sub', 'iat', 'jti'],
  client: ['client_id'],
  clientRequired: true,
  scopes: [{ claim: 'scope', read: spaceSeparated }],
  wrongKind(typ, claims, profile) {
    if (typeof typ === 'string' && mediaType(typ) === 'application/at+jwt') return undefined
    // The commonest mistake of a client is to send its ID token: the operator should read that word (AT-3).
    const kind = foreignKind(claims, profile)
    const declared = typ === undefined ? 'none' : shown(typ)
    return { expected: 'at+jwt', got: kind === undefined ? declared : `${declared}, ${kind}` }
  },
}
