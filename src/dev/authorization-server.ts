import { randomBytes } from 'node:crypto'
import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { JWK } from 'jose'
import type { Provider } from 'oidc-provider'
import { mayCommand } from './admin.ts'
import type { Encryption } from './encryption.ts'
import { createInteractions } from './interactions.ts'
import { loadLibrary } from './library.ts'
import { closeServer, listen } from './listening.ts'
import type { DevOptions } from './options.ts'
import { providerConfiguration } from './provider-configuration.ts'
import type { ProtectedResource } from './resource-permissions.ts'
import { nextSigningKeys, publicKeys, signClaims } from './signing-keys.ts'
import { createStorage } from './storage.ts'

export interface AuthorizationServerOptions {
  /** Issuer identifier, an `http:` URL; a port of 0 in it is replaced by the port that was got. */
  readonly issuer: string
  readonly host: string
  readonly port: number
  readonly dev: DevOptions
  readonly resources: readonly ProtectedResource[]
  /** For the resources of `dev.encrypt`; without it there are no tokens for them. Never part of the published key set. */
  readonly encryption?: Encryption | undefined
  /** Public keys of clients that authenticate with `private_key_jwt`, by client. */
  readonly clientKeys?: ReadonlyMap<string, JWK>
  /** Receives one line for each failure of the server itself. Never a token. */
  readonly log: (line: string) => void
}

export interface AuthorizationServer {
  /** Equal to the `iss` of every token. */
  readonly issuer: string
  /** The key set as published right now. */
  jwks(): { readonly keys: readonly object[] }
  /**
   * New tokens are signed with new keys from now on. The keys until now stay published until the next rotation, then
   * they are gone. Codes, refresh tokens and sessions live on. The same happens on `POST /admin/rotate-keys`.
   */
  rotateKeys(): Promise<void>
  /**
   * Signs exactly those claims with a published key, nothing added: for tokens that the token endpoint would never
   * issue, such as one that has expired. `algorithm` defaults to RS256, `type` to `at+jwt`; `null` leaves `typ` out.
   */
  mint(
    claims: Readonly<Record<string, unknown>>,
    header?: { readonly algorithm?: string; readonly type?: string | null },
  ): Promise<string>
  /** Ends the listener and its connections. */
  close(): Promise<void>
}

/**
 * Starts the embedded authorization server: oidc-provider, bound to the resources and the `dev` block. For development
 * and tests only: users have no passwords, nothing is stored, plain HTTP. Rejects when the address is taken.
 */
export const startAuthorizationServer = async ({
  issuer: wantedIssuer,
  host,
  port: wantedPort,
  dev,
  resources,
  encryption,
  clientKeys = new Map(),
  log,
}: AuthorizationServerOptions): Promise<AuthorizationServer> => {
  const library = await loadLibrary()
  const algorithms = resources.flatMap(({ algorithm }) => algorithm ?? [])
  let keys = await nextSigningKeys(algorithms, undefined)

  const server = createServer()
  const port = await listen(server, { host, port: wantedPort, configKey: `issuers.${dev.issuer}` })
  const issuer = wantedIssuer.replace(/:0(?=\/|$)/, `:${port}`)
  const basePath = new URL(issuer).pathname.replace(/\/$/, '')

  const settings = {
    dev,
    resources,
    encryption,
    clientKeys,
    invalidTarget: (message: string) => new library.errors.InvalidTarget(message),
    basePath,
    storage: createStorage(),
    cookieKeys: [randomBytes(32).toString('base64url')],
  }
  // oidc-provider reads its keys once, so a rotation is a new Provider over the same storage and cookie keys. It signs
  // with the first key that fits and publishes all, which is the rotation that its documentation describes.
  const createProvider = (): Provider => {
    const provider = new library.Provider(issuer, {
      ...providerConfiguration(settings),
      jwks: { keys: [...keys.current, ...keys.previous] },
    })
    provider.on('server_error', (_ctx, error: Error) => log(`authorization server: ${error.name}: ${error.message}`))
    return provider
  }
  let provider = createProvider()
  let answer = provider.callback()

  let rotation = Promise.resolve()
  const rotateKeys = (): Promise<void> => {
    // One after the other: two at once would drop keys that have just signed tokens.
    rotation = rotation.then(async () => {
      keys = await nextSigningKeys(algorithms, keys)
      provider = createProvider()
      answer = provider.callback()
    })
    return rotation
  }

  const interactions = createInteractions({ provider: () => provider, dev, resources, basePath })
  const handle = async (request: IncomingMessage, response: ServerResponse): Promise<void> => {
    const path = pathBelow(basePath, request.url ?? '/')
    if (path === undefined) return sendJson(response, 404, { error: 'not_found' })
    if (path === '/admin/rotate-keys' && request.method === 'POST') {
      if (!mayCommand(request)) return sendJson(response, 403, { error: 'local_only' })
      await rotateKeys()
      return sendJson(response, 200, { keys: publicKeys(keys).keys.map(({ kid, alg }) => ({ kid, alg })) })
    }
    if (path.startsWith('/interaction/')) return interactions(request, response)
    // The Provider finds the mount path for its URLs in the difference of the two, as Express leaves them.
    Object.assign(request, { originalUrl: basePath + path, url: path })
    await answer(request, response)
  }
  server.on('request', (request, response) => {
    handle(request, response).catch((error: Error) => {
      log(`authorization server: ${error.name}: ${error.message}`)
      if (response.headersSent) response.destroy()
      else sendJson(response, 500, { error: 'server_error' })
    })
  })

  return {
    issuer,
    jwks: () => publicKeys(keys),
    rotateKeys,
    mint: (claims, { algorithm = 'RS256', type = 'at+jwt' } = {}) =>
      signClaims(keys, claims, { alg: algorithm, typ: type ?? undefined }),
    close: () => closeServer(server),
  }
}

/** The part of the target below the issuer's path; RFC 8414 section 3.1 puts the well-known part before that path. */
const pathBelow = (basePath: string, target: string): string | undefined => {
  if (basePath === '') return target
  const wellKnown = /^(\/\.well-known\/(?:oauth-authorization-server|openid-configuration))(\/.*)$/.exec(target)
  if (wellKnown?.[2] === basePath) return wellKnown[1]
  return target.startsWith(`${basePath}/`) ? target.slice(basePath.length) : undefined
}

const sendJson = (response: ServerResponse, status: number, body: object): void => {
  response.writeHead(status, { 'content-type': 'application/json', 'cache-control': 'no-store' })
  response.end(JSON.stringify(body))
}
