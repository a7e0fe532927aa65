/** One upstream entry, as the forwarder needs it. Durations in milliseconds. */
export interface UpstreamOptions {
  /** Scheme, host and port: `http://127.0.0.1:3000`. */
  readonly origin: string
  /** `Host` towards the upstream (HS-26). */
  readonly authority: string
  /** `''` or a canonical path that may end in a slash. */
  readonly basePath: string
  readonly authorization: 'forward' | 'strip'
  readonly identityHeaders: readonly { readonly name: string; readonly claim: string }[]
  readonly timeouts: { readonly connectMs: number; readonly responseMs: number; readonly idleMs: number }
  readonly pool: { readonly connections: number }
}
