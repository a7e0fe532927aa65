import type { JsonObject } from '../json.ts'
import type { Profile } from './profile.ts'

/**
 * Media types of JWTs that are never access tokens, as {@link import('../media-type.ts').mediaType} gives them: from the
 * IANA registry and the drafts that ask for explicit typing (RFC 8725 section 3.11). `application/jwt` says nothing.
 */
const FOREIGN_TYPES: ReadonlySet<string> = new Set(
  [
    'authorization-grant+jwt',
    'client-authentication+jwt',
    'dc+sd-jwt',
    'dpop+jwt',
    'eat+jwt',
    'entity-statement+jwt',
    'explicit-registration-response+jwt',
    'id',
    'id+jwt',
    'id_token',
    'id_token+jwt',
    'jwk-set+jwt',
    'kb+jwt',
    'keybinding+jwt',
    'logout',
    'logout+jwt',
    'logout_token',
    'oauth-authz-req+jwt',
    'oauth-client-attestation+jwt',
    'oauth-client-attestation-pop+jwt',
    'oauth-id-jag+jwt',
    'openid4vci-proof+jwt',
    'passport',
    'refresh',
    'refresh_token',
    'resolve-response+jwt',
    'rt+jwt',
    'sd-jwt',
    'secevent+jwt',
    'statuslist+jwt',
    'token-introspection+jwt',
    'trust-mark+jwt',
    'trust-mark-delegation+jwt',
    'txntoken+jwt',
    'vc+jwt',
    'vc+sd-jwt',
    'verifier-attestation+jwt',
    'vp+jwt',
    'wallet-attestation+jwt',
  ].map((type) => `application/${type}`),
)

/** Whether this media type names another kind of JWT. */
export const isForeignType = (type: string): boolean => FOREIGN_TYPES.has(type)

/**
 * What the claims alone betray this token to be, or undefined. An ID token is signed with the same keys as an access
 * token and may carry the API among its audiences, so its claims are all there is to tell (AT-3, AT-20).
 */
export const foreignKind = (claims: JsonObject, profile: Profile): string | undefined => {
  if ('events' in claims) return 'logout token or security event'
  const mark = ['nonce', 'at_hash', 'c_hash', 's_hash', 'sid'].find((name) => name in claims)
  if (mark !== undefined) return `ID token: it has ${mark}`
  const audience: readonly unknown[] = Array.isArray(claims.aud) ? claims.aud : [claims.aud]
  const clients = [...profile.client, 'azp'].map((name) => claims[name])
  const forClient = clients.some((client) => client !== undefined && audience.includes(client))
  return forClient ? 'ID token: its audience is the client' : undefined
}
