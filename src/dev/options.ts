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
  /** Upstream base URIs at which sample APIs are started. */
  readonly apis: readonly string[]
}

export interface DevClient {
  readonly secret: string | undefined
  readonly roles: readonly string[]
  readonly redirectUris: readonly string[]
}
