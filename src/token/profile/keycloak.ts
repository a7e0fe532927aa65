import { spaceSeparated } from '../scopes.ts'
import { AT_JWT, foreignMark, judgeKind, kindOf, PLAIN_JWT } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Keycloak. All its JWTs have the header `typ: JWT` (an access token `at+jwt`, where the client is set up so); what they
 * are is in the claim `typ`: `Bearer`, or `DPoP` for a token that is bound to a key. `ID`, `Refresh`, `Offline`, `Logout`
 * and the rest are refused. Since that claim tells, `sid` and `nonce` may be there, as they are in real access tokens,
 * and so may the client among the audiences. The roles (`realm_access.roles`) are no scopes: routes ask for them as claims.
 */
export const keycloak: Profile = {
  required: ['sub', 'iat', 'jti'],
  client: ['azp'],
  clientRequired: true,
  scopes: [{ claim: 'scope', read: spaceSeparated }],
  scopesArePrefixed: false,
  wrongKind(typ, claims) {
    // A token that says of itself that it is bound, and not to what, must not pass for a bearer token.
    const isAccess = claims.typ === 'Bearer' || (claims.typ === 'DPoP' && 'cnf' in claims)
    const kind = isAccess ? foreignMark(claims, ['at_hash', 'c_hash', 's_hash']) : kindOf('typ', claims.typ)
    return judgeKind('typ JWT with the claim typ Bearer', typ, [PLAIN_JWT, AT_JWT], kind)
  },
}
