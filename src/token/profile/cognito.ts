import { spaceSeparated } from '../scopes.ts'
import { foreignMark, ID_TOKEN_CLAIMS, judgeKind, kindOf } from './kind.ts'
import type { Profile } from './profile.ts'

/**
 * Amazon Cognito user pools: no `typ`, and `token_use: access` instead. `aud` is there with resource binding only; without
 * it the token is for the resource servers whose scopes it has, and each scope counts at its own.
 */
export const cognito: Profile = {
  required: ['sub', 'iat', 'jti'],
  client: ['client_id'],
  clientRequired: true,
  scopes: [{ claim: 'scope', read: spaceSeparated }],
  scopesArePrefixed: true,
  wrongKind(typ, claims) {
    const isAccess = claims.token_use === 'access'
    const kind = isAccess ? foreignMark(claims, ID_TOKEN_CLAIMS) : kindOf('token_use', claims.token_use)
    return judgeKind('no typ and token_use access', typ, [undefined], kind)
  },
}
