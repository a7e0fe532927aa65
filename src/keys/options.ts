/** Where an issuer's keys come from, and how they are kept fresh. Durations in milliseconds. */
export interface KeyOptions {
  readonly source:
    | { readonly kind: 'discovery' }
    | { readonly kind: 'jwks_uri'; readonly url: string }
    | { readonly kind: 'jwks_file'; readonly file: string }
    | { readonly kind: 'jwks'; readonly jwks: { readonly keys: readonly Record<string, unknown>[] } }
    | { readonly kind: 'pem_file'; readonly file: string }
  /** Pins the discovery document. */
  readonly metadataUrl: string | undefined
  /** PEM text of a private CA for calls to this server. */
  readonly ca: string | undefined
  readonly refresh: {
    readonly intervalMs: number
    readonly maxStaleMs: number
    readonly cooldownMs: number
    readonly timeoutMs: number
  }
  readonly allowHttp: boolean
}
