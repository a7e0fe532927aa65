import { z } from 'zod'

/** The `dev` block: what the embedded authorization server and the sample APIs are. Read by `audgate dev` only. */
export interface DevOptions {
  /** Config name of the issuer it plays. */
  readonly issuer: string
  readonly accessTokenTtlSeconds: number
  readonly defaultResource: string | undefined
  /** role -> indicator -> permissions */
  readonly roles: ReadonlyMap<string, ReadonlyMap<string, readonly string[]>>
  readonly users: ReadonlyMap<string, { readonly roles: readonly string[] }>
  readonly clients: ReadonlyMap<string, DevClient>
  /** Indicators of the resources whose access tokens are encrypted. */
  readonly encrypt: readonly string[]
  /** Upstream base URIs at which sample APIs are started. */
  readonly apis: readonly string[]
}

export interface DevClient {
  readonly secret: string | undefined
  readonly roles: readonly string[]
  readonly redirectUris: readonly string[]
}

/** One reading of `30s` for every room; the composition of the config brings it. */
type Duration = (min: string, max: string) => z.ZodType<number, string>

/** `dev`. That its names exist elsewhere in the file is judged where the config is compiled. */
export const devSchema = (duration: Duration) =>
  z
    .strictObject({
      issuer: z.string().describe('Name of the issuer that the embedded authorization server plays.'),
      access_token_ttl: duration('1s', '720h').prefault('1h').describe('Lifetime of access tokens.'),
      default_resource: z.string().optional().describe('For token requests without `resource`.'),
      roles: z
        .record(z.string(), z.record(z.string(), z.array(z.string())))
        .prefault({})
        .describe('Role: resource indicator: permissions.'),
      users: z
        .record(z.string(), z.strictObject({ roles: names.describe('What the user may do.') }))
        .prefault({})
        .describe('Who can log in. There are no passwords.'),
      clients: z
        .record(
          z.string(),
          z.strictObject({
            secret: z.string().min(1).optional().describe('For the client credentials grant.'),
            roles: names.describe('What the client may do for itself.'),
            redirect_uris: z.array(z.string()).prefault([]).describe('For the authorization code grant.'),
          }),
        )
        .prefault({})
        .describe('Clients of the embedded authorization server.'),
      encrypt: z
        .array(z.string())
        .prefault([])
        .describe('Resources whose access tokens are encrypted (nested JWE) to the keys of `decryption`.'),
      apis: z.array(z.string()).prefault([]).describe('Upstreams at which a sample API is started.'),
    })
    .describe('The embedded authorization server and sample APIs of `audgate dev`.')

const names = z.array(z.string()).prefault([])

type DevInput = z.output<ReturnType<typeof devSchema>>

export const toDevOptions = (dev: DevInput): DevOptions => ({
  issuer: dev.issuer,
  accessTokenTtlSeconds: dev.access_token_ttl / 1000,
  defaultResource: dev.default_resource,
  roles: new Map(
    Object.entries(dev.roles).map(([role, resources]) => [role, new Map(Object.entries(resources))] as const),
  ),
  users: new Map(Object.entries(dev.users)),
  clients: new Map(
    Object.entries(dev.clients).map(([id, { secret, roles, redirect_uris }]) => [
      id,
      { secret, roles, redirectUris: redirect_uris },
    ]),
  ),
  encrypt: dev.encrypt,
  apis: dev.apis,
})
