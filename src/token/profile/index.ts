import type { TokenOptions } from '../options.ts'
import { spaceSeparatedOrList } from '../scopes.ts'
import { jwt } from './jwt.ts'
import type { Profile } from './profile.ts'
import { rfc9068 } from './rfc9068.ts'

const PROFILES = { rfc9068, jwt } satisfies Record<TokenOptions['profile'], Profile>

/** The profile of an issuer, with the claim names of its config in place of the profile's own. */
export const profileOf = ({ profile: name, claims }: Pick<TokenOptions, 'profile' | 'claims'>): Profile => {
  const profile = PROFILES[name]
  return {
    ...profile,
    client: claims.clientId === undefined ? profile.client : [claims.clientId],
    scopes: claims.scope === undefined ? profile.scopes : [{ claim: claims.scope, read: spaceSeparatedOrList }],
  }
}
