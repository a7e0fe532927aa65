import type { JWK } from 'jose'
import type { ClientMetadata } from 'oidc-provider'
import type { DevClient } from './options.ts'

/**
 * RFC 7591 metadata of a client of the `dev` block. With a secret it may authenticate in the header or in the body, with a
 * key by `private_key_jwt`; with neither it is public and must use PKCE. It may use client credentials when it has a
 * secret or key and roles of its own (RFC 6749 section 4.4: confidential clients only), and the code flow with refresh
 * tokens when it can be redirected to.
 *
 * @param key public, with `alg`
 */
export const clientMetadata = (id: string, { secret, roles, redirectUris }: DevClient, key?: JWK): ClientMetadata => ({
  client_id: id,
  ...authentication(secret, key),
  grant_types: [
    ...(redirectUris.length > 0 ? ['authorization_code', 'refresh_token'] : []),
    ...((secret ?? key) !== undefined && roles.length > 0 ? ['client_credentials'] : []),
  ],
  response_types: redirectUris.length > 0 ? ['code'] : [],
  redirect_uris: [...redirectUris],
  application_type: isNative(redirectUris) ? 'native' : 'web',
})

const authentication = (secret: string | undefined, key: JWK | undefined) => {
  if (key !== undefined) {
    return { token_endpoint_auth_method: 'private_key_jwt' as const, jwks: { keys: [{ ...key }] } }
  }
  if (secret === undefined) return { token_endpoint_auth_method: 'none' as const }
  // The Provider takes client_secret_post for these clients as well.
  return { token_endpoint_auth_method: 'client_secret_basic' as const, client_secret: secret }
}

/**
 * RFC 8252: a native client has loopback redirect URIs, which match on any port (section 7.3), or schemes of its own. What
 * the Provider lets a web client alone have decides against it.
 */
const isNative = (redirectUris: readonly string[]): boolean => {
  const kinds = new Set(redirectUris.map(kindOf))
  return kinds.has('native') && !kinds.has('web')
}

const kindOf = (uri: string): 'native' | 'web' | 'either' => {
  const url = URL.parse(uri)
  const loopback = LOOPBACK_HOSTS.has(url?.hostname ?? '')
  if (url?.protocol === 'https:') return loopback ? 'web' : 'either'
  return url?.protocol === 'http:' && !loopback ? 'web' : 'native'
}

/** As the Provider knows them. */
const LOOPBACK_HOSTS = new Set(['localhost', '127.0.0.1', '[::1]'])
