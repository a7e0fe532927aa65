import { listed, spaceSeparated } from '../scopes.ts'
import { foreignKind, ID_TOKEN_CLAIMS, judgeKind, noneOf, PLAIN_JWT } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Microsoft Entra ID, tokens of version 1.0 (`appid`) and 2.0 (`azp`): an application acting for a user has `scp`, one
 * acting for itself `roles`. An ID token may have `roles` too, but never a claim that names the client. No `jti`; `sid`
 * may be there. The two versions are two issuers, since `iss` differs.
 */
export const entra: Profile = {
  required: ['sub', 'iat'],
  client: ['azp', 'appid'],
  clientRequired: true,
  scopes: [
    { claim: 'scp', read: spaceSeparated },
    { claim: 'roles', read: listed },
  ],
  scopesArePrefixed: false,
  wrongKind(typ, claims, profile) {
    const kind =
      foreignKind(claims, profile, ID_TOKEN_CLAIMS) ??
      noneOf(claims, profile.client) ??
      noneOf(
        claims,
        profile.scopes.map(({ claim }) => claim),
      )
    return judgeKind('JWT', typ, [PLAIN_JWT], kind)
  },
}
