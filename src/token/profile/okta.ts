import { listed } from '../scopes.ts'
import { foreignKind, judgeKind, namesOf, noneOf, PLAIN_JWT } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Okta, a custom authorization server. Headers have no `typ` in general, and `JWT` at most; tokens of the organization's
 * own server, `okta-internal-at+jwt`, are for Okta alone. An ID token has no `cid`, and its `jti` begins with `ID.`.
 */
export const okta: Profile = {
  required: ['sub', 'iat', 'jti'],
  client: ['cid'],
  clientRequired: true,
  scopes: [{ claim: 'scp', read: listed }],
  scopesArePrefixed: false,
  wrongKind(typ, claims, profile) {
    const { jti } = claims
    const named = typeof jti === 'string' && jti.startsWith('ID.') ? 'ID token: its jti begins with ID.' : undefined
    const kind = named ?? foreignKind(claims, profile) ?? noneOf(claims, namesOf(profile))
    return judgeKind('JWT or none', typ, [PLAIN_JWT, undefined], kind)
  },
}
