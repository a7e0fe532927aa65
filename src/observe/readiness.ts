/** State of an issuer's keys, as its source tells it. */
export type IssuerState = 'cold' | 'fresh' | 'stale' | 'expired'

export interface ReadinessReport {
  readonly ok: boolean
  /** Why not; when `ok`, what is missing all the same. */
  readonly reasons: readonly string[]
  /** What `/readyz?verbose` lists, by config name. */
  readonly issuers: readonly { readonly name: string; readonly state: IssuerState }[]
}

export interface Readiness {
  issuerState(issuer: string, state: IssuerState): void
  /** After a reload: these are the issuers, with the states of their keys. Who is ready stays so. */
  follow(issuers: ReadonlyMap<string, IssuerState>): void
  /** From now on not ready, whatever the issuers do: shutdown has begun. */
  drain(): void
  report(): ReadinessReport
}

export interface ReadinessOptions {
  /** Which issuers must have had keys once: `readiness.keys`. */
  readonly keys: 'all' | 'any' | 'none'
  /** After so long it is ready without them: `readiness.max_wait`. */
  readonly maxWaitMs: number
  /** Config names. */
  readonly issuers: readonly string[]
  /** Milliseconds of a monotonic clock. */
  readonly now: () => number
}

/**
 * The cold-start rule: not ready until the issuers had keys once, but no longer than `maxWaitMs`; then ready for good.
 * What issuers do later never unsets it: they are shared, and every replica would leave at once (OP-10). Has no timer:
 * the time that passes is seen when `report` is called.
 */
export const createReadiness = ({ keys, maxWaitMs, issuers, now }: ReadinessOptions): Readiness => {
  const startedAt = now()
  const states = new Map<string, IssuerState>(issuers.map((name) => [name, 'cold']))
  const succeeded = new Set<string>()
  let draining = false
  let ready = false

  const missing = (): readonly string[] => [...states.keys()].filter((name) => !succeeded.has(name))
  const satisfied = (): boolean => {
    if (keys === 'none' || states.size === 0) return true
    return keys === 'any' ? succeeded.size > 0 : succeeded.size === states.size
  }
  const look = (): void => {
    ready ||= satisfied() || now() - startedAt >= maxWaitMs
  }
  const issuerState = (issuer: string, state: IssuerState): void => {
    if (!states.has(issuer)) return
    states.set(issuer, state)
    // Stale and expired keys were loaded once, too: only a reload takes anything out again.
    if (state !== 'cold') succeeded.add(issuer)
  }

  return {
    issuerState,
    follow: (next) => {
      look()
      states.clear()
      succeeded.clear()
      for (const name of next.keys()) states.set(name, 'cold')
      for (const [name, state] of next) issuerState(name, state)
    },
    drain: () => {
      draining = true
    },
    report: () => {
      look()
      const waiting = missing().map((name) => `issuer ${name}: no keys yet`)
      const reasons = draining ? ['draining', ...waiting] : waiting
      return {
        ok: !draining && ready,
        reasons,
        issuers: [...states].map(([name, state]) => ({ name, state })),
      }
    },
  }
}
