/** How tokens of one issuer are read. */
export interface TokenOptions {
  readonly profile: 'rfc9068' | 'jwt'
  /** Never empty, never `none`, never HMAC. */
  readonly algorithms: readonly string[]
  readonly clockToleranceSeconds: number
  /** Claim names that replace the profile's. */
  readonly claims: { readonly scope: string | undefined; readonly clientId: string | undefined }
}
