/** The public listener. Durations in milliseconds, sizes in bytes, 0 = no limit. */
export interface ListenOptions {
  readonly host: string
  readonly port: number
  readonly trustedProxies: readonly string[]
  readonly requireHttps: boolean
  readonly timeouts: {
    readonly headerMs: number
    readonly idleMs: number
    readonly bodyIdleMs: number
    readonly drainDelayMs: number
    readonly drainMs: number
  }
  readonly limits: {
    readonly headerSize: number
    readonly targetSize: number
    readonly tokenSize: number
    readonly bodySize: number
  }
}

export interface AdminOptions {
  readonly host: string
  readonly port: number
}

export interface ReadinessOptions {
  readonly keys: 'all' | 'any' | 'none'
  readonly maxWaitMs: number
}
