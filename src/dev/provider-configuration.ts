import type { JWK } from 'jose'
import type { AsymmetricSigningAlgorithm, Configuration, KoaContextWithOIDC, ResourceServer } from 'oidc-provider'
import { clientMetadata } from './client-metadata.ts'
import type { Encryption } from './encryption.ts'
import type { DevOptions } from './options.ts'
import { errorPage, signedOutPage, signOutPage } from './pages.ts'
import { knownScopes, type ProtectedResource, permissionsOf, resourceWithoutAsking } from './resource-permissions.ts'
import type { createStorage } from './storage.ts'

const DAY = 24 * 3600

/** What one Provider is made from; everything but the keys is the same for each key rotation. */
export interface ProviderSettings {
  readonly dev: DevOptions
  readonly resources: readonly ProtectedResource[]
  readonly storage: ReturnType<typeof createStorage>
  readonly cookieKeys: readonly string[]
  /** `''`, or the path of the issuer without a trailing slash. */
  readonly basePath: string
  /** For the resources of `dev.encrypt`. */
  readonly encryption: Encryption | undefined
  /** Of the clients that authenticate with a key. */
  readonly clientKeys: ReadonlyMap<string, JWK>
  /** The library's own error, RFC 8707 section 2. */
  readonly invalidTarget: (message: string) => Error
}

/**
 * The oidc-provider configuration of the embedded authorization server: resource indicators (RFC 8707), JWT access
 * tokens (RFC 9068) or opaque ones with introspection (RFC 7662, RFC 9701) and revocation (RFC 7009), bound to a key when
 * the client proves one (RFC 9449); code with PKCE, refresh tokens, client credentials. Every default helper that would
 * print a notice is replaced. Keys are added by the caller.
 */
export const providerConfiguration = (settings: ProviderSettings): Configuration => {
  const { dev, storage, cookieKeys, basePath } = settings
  const tokenTtl = wholeSeconds(dev.accessTokenTtlSeconds)
  return {
    adapter: storage,
    clients: [...dev.clients].map(([id, client]) => clientMetadata(id, client, settings.clientKeys.get(id))),
    clientAuthMethods: ['client_secret_basic', 'client_secret_post', 'private_key_jwt', 'none'],
    responseTypes: ['code'],
    cookies: { keys: cookieKeys },
    clientBasedCORS: (_ctx, origin, client) =>
      client.clientAuthMethod === 'none' &&
      (client.redirectUris ?? []).some((uri: string) => URL.parse(uri)?.origin === origin),
    // The login page let no other name pass.
    findAccount: (_ctx, user) => ({ accountId: user, claims: () => ({ sub: user }) }),
    interactions: { url: (_ctx, interaction) => `${basePath}/interaction/${interaction.uid}` },
    // Refresh tokens come with every code, `offline_access` or not, and outlive the browser session: who tries the
    // flow by hand should not have to know OIDC's rules about consent prompts.
    issueRefreshToken: (_ctx, client) => client.grantTypeAllowed('refresh_token'),
    expiresWithSession: () => false,
    ttl: {
      AccessToken: tokenTtl,
      ClientCredentials: tokenTtl,
      IdToken: tokenTtl,
      AuthorizationCode: 60,
      RefreshToken: 14 * DAY,
      Interaction: 3600,
      Session: DAY,
      Grant: 14 * DAY,
    },
    renderError: (ctx, out) => {
      ctx.type = 'html'
      ctx.body = errorPage({ ...out })
    },
    features: {
      devInteractions: { enabled: false },
      clientCredentials: { enabled: true },
      dPoP: { enabled: true },
      // A gateway is a confidential client that may ask about everybody's tokens (RFC 7662 section 4).
      introspection: { enabled: true, allowedPolicy: (_ctx, client) => client.clientAuthMethod !== 'none' },
      jwtIntrospection: { enabled: true },
      revocation: { enabled: true, allowedPolicy: (_ctx, client, token) => token.clientId === client.clientId },
      rpInitiatedLogout: {
        logoutSource: (ctx, form) => {
          ctx.body = signOutPage(form)
        },
        postLogoutSuccessSource: (ctx) => {
          ctx.body = signedOutPage()
        },
      },
      resourceIndicators: resourceIndicators(settings),
    },
  }
}

/** The Provider knows whole seconds only, and no lifetime of zero. */
const wholeSeconds = (seconds: number): number => Math.max(1, Math.round(seconds))

const resourceIndicators = (settings: ProviderSettings) => {
  const { dev, resources } = settings
  const byIndicator = new Map(resources.map((resource) => [resource.indicator, resource]))
  return {
    enabled: true,
    getResourceServerInfo: (ctx: KoaContextWithOIDC, indicator: string): ResourceServer => {
      // Exact strings: an indicator that differs in a trailing slash is another resource, and unknown (RI-4, RI-7).
      const resource = byIndicator.get(indicator)
      if (resource === undefined) throw settings.invalidTarget('no such resource')
      askForDefaultScope(ctx, settings)
      return {
        audience: indicator,
        scope: scopesFor(ctx, resource, dev).join(' '),
        accessTokenFormat: resource.format ?? 'jwt',
        accessTokenTTL: wholeSeconds(dev.accessTokenTtlSeconds),
        // Any algorithm there is a key for; the Provider fails when there is none.
        jwt: {
          sign: { alg: (resource.algorithm ?? 'RS256') as AsymmetricSigningAlgorithm },
          ...(dev.encrypt.includes(indicator) ? { encrypt: encryptionFor(settings, indicator) } : {}),
        },
      }
    },
    /** `granted` is what the code or refresh token is restricted to; absent for a request that is not bound to one. */
    defaultResource: (ctx: KoaContextWithOIDC, _client: unknown, granted?: readonly string[]) => {
      if (granted === undefined) return dev.defaultResource
      // Several were named in one token request: an access token has one audience, so the answer is `invalid_target`,
      // which the Provider gives for an array.
      if (ctx.oidc.params?.resource !== undefined) return [...granted]
      const found = resourceWithoutAsking(granted, dev.defaultResource)
      if (found.kind === 'one') return found.indicator
      return found.kind === 'ambiguous' ? [...granted] : undefined
    },
    // A token request that names no resource still gets one of those the code was restricted to.
    useGrantedResource: () => true,
  }
}

/** Never falls back to a token that everybody can read. */
const encryptionFor = ({ encryption }: ProviderSettings, indicator: string): Encryption => {
  if (encryption === undefined) throw new Error(`no key to encrypt tokens for ${indicator} to`)
  return encryption
}

/**
 * What can be had at a resource. A client acting for itself: what its own roles permit. A user: everything known, which
 * the consent then cuts to what the user's roles permit.
 */
const scopesFor = (ctx: KoaContextWithOIDC, resource: ProtectedResource, dev: DevOptions): readonly string[] => {
  if (ctx.oidc.params?.grant_type !== 'client_credentials') return knownScopes(resource, dev.roles)
  const roles = dev.clients.get(ctx.oidc.client?.clientId ?? '')?.roles ?? []
  return permissionsOf(roles, resource.indicator, dev.roles)
}

/**
 * A request without `scope` asks for everything (RFC 6749 section 3.3: the server's default), in the only place where
 * the Provider has resolved the resources but not yet looked at the scopes.
 */
const askForDefaultScope = (ctx: KoaContextWithOIDC, { dev, resources }: ProviderSettings): void => {
  const params = ctx.oidc.params
  if (params === undefined || params.scope !== undefined) return
  // Codes and refresh tokens carry the scopes that were granted; only new requests have a default.
  if (params.grant_type !== undefined && params.grant_type !== 'client_credentials') return
  const asked = [params.resource].flat()
  const scopes = resources.filter(({ indicator }) => asked.includes(indicator)).flatMap((r) => scopesFor(ctx, r, dev))
  if (scopes.length > 0) params.scope = [...new Set(scopes)].join(' ')
}
