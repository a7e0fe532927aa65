import { createHash, randomBytes } from 'node:crypto'
import type { JWK } from 'jose'
import { type AuthorizationServer, startAuthorizationServer } from '../../src/dev/authorization-server.ts'
import type { Encryption } from '../../src/dev/encryption.ts'
import type { DevClient, DevOptions } from '../../src/dev/options.ts'
import type { ProtectedResource } from '../../src/dev/resource-permissions.ts'
import { createBrowser } from './browser.ts'

/** Where public test clients are redirected to; nobody listens there. */
export const REDIRECT_URI = 'http://127.0.0.1:4455/cb'

/** What the token endpoint said; members as in RFC 6749 section 5. */
export interface TokenAnswer {
  readonly status: number
  readonly access_token?: string
  readonly refresh_token?: string
  readonly token_type?: string
  readonly expires_in?: number
  readonly scope?: string
  readonly error?: string
  readonly error_description?: string
}

export interface TestAuthorizationServerOptions {
  /** Indicator -> scopes; or a resource with more said about it, such as `format: 'opaque'`. */
  readonly resources: Readonly<Record<string, readonly string[]>> | readonly ProtectedResource[]
  /** role -> indicator -> permissions; default: one role `all` with every scope of every resource. */
  readonly roles?: Readonly<Record<string, Readonly<Record<string, readonly string[]>>>>
  /** user -> roles; default: alice has every role, bob has none. */
  readonly users?: Readonly<Record<string, readonly string[]>>
  /**
   * Default: `machine` (secret `machine-secret`, every role), the public client `web`, and `gateway` (secret
   * `gateway-secret`, no role), which may introspect and nothing else.
   */
  readonly clients?: Readonly<Record<string, Partial<DevClient>>>
  /** Public keys, with `alg`, of clients that authenticate with `private_key_jwt`. */
  readonly clientKeys?: Readonly<Record<string, JWK>>
  readonly defaultResource?: string
  readonly accessTokenTtlSeconds?: number
  /** Indicators of the resources whose tokens are encrypted, and to whom; `readEncryption` reads it from a JWKS file. */
  readonly encrypt?: { readonly resources: readonly string[]; readonly to: Encryption | undefined }
  /** Path of the issuer, such as `/oidc`. */
  readonly issuerPath?: string
}

/** What a user can be asked to agree to. `scope` left out asks for nothing in particular. */
export interface AuthorizationRequest {
  readonly user?: string
  readonly client?: string
  readonly resource?: readonly string[]
  readonly scope?: string
}

/** The real embedded authorization server on a free port, with the flows as single calls. Close it with `close`. */
export interface TestAuthorizationServer extends AuthorizationServer {
  /** One POST to the token endpoint, parameters as given; repeated ones as an array. */
  token(parameters: Readonly<Record<string, string | readonly string[] | undefined>>): Promise<TokenAnswer>
  /** A token for the client `machine` acting for itself. */
  clientCredentials(request?: { readonly resource?: string; readonly scope?: string }): Promise<TokenAnswer>
  /** Authorization request, login and consent in a browser: the query of the redirect back, with the PKCE verifier. */
  authorize(request: AuthorizationRequest): Promise<{ readonly answer: URLSearchParams; readonly verifier: string }>
  /** The whole code flow with one token request for `tokenFor`, by default the first resource asked for. */
  codeFlow(request: AuthorizationRequest & { readonly tokenFor?: string }): Promise<TokenAnswer>
  refresh(refreshToken: string, request?: { readonly resource?: string; readonly scope?: string }): Promise<TokenAnswer>
  /** An access token for that resource (client credentials), or an exception. */
  accessToken(resource: string, scope?: string): Promise<string>
  /** Failures the server logged. */
  readonly logged: readonly string[]
}

export const startTestAuthorizationServer = async (
  options: TestAuthorizationServerOptions,
): Promise<TestAuthorizationServer> => {
  const resources = Array.isArray(options.resources)
    ? options.resources
    : Object.entries(options.resources).map(([indicator, scopes]) => ({ indicator, scopes }))
  const logged: string[] = []
  const server = await startAuthorizationServer({
    issuer: `http://127.0.0.1:0${options.issuerPath ?? ''}`,
    host: '127.0.0.1',
    port: 0,
    dev: devOptions(options, resources),
    resources,
    clientKeys: new Map(Object.entries(options.clientKeys ?? {})),
    encryption: options.encrypt?.to,
    log: (line) => logged.push(line),
  })

  const token: TestAuthorizationServer['token'] = async (parameters) => {
    const body = new URLSearchParams()
    for (const [name, value] of Object.entries(parameters)) {
      for (const one of [value ?? []].flat()) body.append(name, one)
    }
    const response = await fetch(`${server.issuer}/token`, { method: 'POST', body })
    return { status: response.status, ...((await response.json()) as object) }
  }

  const clientCredentials: TestAuthorizationServer['clientCredentials'] = (request = {}) =>
    token({ grant_type: 'client_credentials', client_id: 'machine', client_secret: 'machine-secret', ...request })

  const authorize: TestAuthorizationServer['authorize'] = async (request) => {
    const { user = 'alice', verifier, url } = authorizationUrl(server.issuer, request)
    const browser = createBrowser(REDIRECT_URI)
    let page = await browser.open(url)
    while (!page.url.startsWith(REDIRECT_URI)) {
      const login = page.html.includes('name="login"')
      page = login ? await browser.press(page, 'login', user) : await browser.press(page, 'consent', 'allow')
    }
    return { answer: new URL(page.url).searchParams, verifier }
  }

  const codeFlow: TestAuthorizationServer['codeFlow'] = async (request) => {
    const { client = 'web', resource = [], tokenFor = resource[0] } = request
    const { answer, verifier } = await authorize(request)
    const code = answer.get('code')
    if (code === null) throw new Error(`no code but ${answer}`)
    return token({
      grant_type: 'authorization_code',
      client_id: client,
      redirect_uri: REDIRECT_URI,
      code,
      code_verifier: verifier,
      resource: tokenFor,
    })
  }

  return {
    ...server,
    logged,
    token,
    clientCredentials,
    authorize,
    codeFlow,
    refresh: (refreshToken, request = {}) =>
      token({ grant_type: 'refresh_token', client_id: 'web', refresh_token: refreshToken, ...request }),
    accessToken: async (resource, scope) => {
      const answer = await clientCredentials({ resource, ...(scope === undefined ? {} : { scope }) })
      if (answer.access_token === undefined) throw new Error(`no token but ${answer.error}`)
      return answer.access_token
    },
  }
}

/** An authorization request with a fresh PKCE verifier, as a URL to open. */
export const authorizationUrl = (
  issuer: string,
  { user, client = 'web', resource = [], scope }: AuthorizationRequest,
): { readonly user: string | undefined; readonly verifier: string; readonly url: string } => {
  const verifier = randomBytes(32).toString('base64url')
  const query = new URLSearchParams({
    response_type: 'code',
    client_id: client,
    redirect_uri: REDIRECT_URI,
    state: 'st',
    code_challenge: createHash('sha256').update(verifier).digest('base64url'),
    code_challenge_method: 'S256',
    ...(scope === undefined ? {} : { scope }),
  })
  for (const indicator of resource) query.append('resource', indicator)
  return { user, verifier, url: `${issuer}/auth?${query}` }
}

const devOptions = (options: TestAuthorizationServerOptions, resources: readonly ProtectedResource[]): DevOptions => {
  const roles = options.roles ?? { all: Object.fromEntries(resources.map((r) => [r.indicator, r.scopes])) }
  const every = Object.keys(roles)
  const clients = options.clients ?? {
    machine: { secret: 'machine-secret', roles: every },
    web: { redirectUris: [REDIRECT_URI] },
    gateway: { secret: 'gateway-secret' },
  }
  const none: DevClient = { secret: undefined, roles: [], redirectUris: [] }
  return {
    issuer: 'main',
    accessTokenTtlSeconds: options.accessTokenTtlSeconds ?? 3600,
    defaultResource: options.defaultResource,
    roles: new Map(Object.entries(roles).map(([role, granted]) => [role, new Map(Object.entries(granted))])),
    users: new Map(
      Object.entries(options.users ?? { alice: every, bob: [] }).map(([user, held]) => [user, { roles: held }]),
    ),
    clients: new Map(Object.entries(clients).map(([id, client]) => [id, { ...none, ...client }])),
    encrypt: options.encrypt?.resources ?? [],
    apis: [],
  }
}
