import type { TokenOptions } from '../options.ts'
import { spaceSeparatedOrList } from '../scopes.ts'
import { auth0 } from './auth0.ts'
import { cognito } from './cognito.ts'
import { entra } from './entra.ts'
import { jwt } from './jwt.ts'
import { keycloak } from './keycloak.ts'
import { logto } from './logto.ts'
import { okta } from './okta.ts'
import type { Profile } from './profile.ts'
import { rfc9068 } from './rfc9068.ts'

const PROFILES = { rfc9068, logto, keycloak, auth0, entra, okta, cognito, jwt } satisfies Record<
  TokenOptions['profile'],
  Profile
>

/** The profile of an issuer, with the claim names of its config in place of the profile's own. */
export const profileOf = ({ profile: name, claims }: Pick<TokenOptions, 'profile' | 'claims'>): Profile => {
  const profile = PROFILES[name]
  return {
    ...profile,
    client: claims.clientId === undefined ? profile.client : [claims.clientId],
    scopes: claims.scope === undefined ? profile.scopes : [{ claim: claims.scope, read: spaceSeparatedOrList }],
  }
}
