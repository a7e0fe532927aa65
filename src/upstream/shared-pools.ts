import type { UpstreamOptions, UpstreamTls } from './options.ts'
import { createPool, type PoolDependencies, type UpstreamPool } from './pool.ts'
import { createTurns } from './turns.ts'

/** The pools of one gateway: entries that differ in nothing that a connection knows of share one, and its limits. */
export const sharedPools = (dependencies: PoolDependencies) => {
  const pools = new Map<string, { readonly pool: UpstreamPool; tls: UpstreamTls | undefined }>()
  const inTurn = createTurns(checksAtOnce)
  return {
    /** The pool for these, which is made if there is none. One that is there takes the certificates as they are now. */
    of: (options: UpstreamOptions): UpstreamPool => {
      const { replicas, balance, timeouts, pool: limits, healthCheck, ejection, tls } = options
      // The files by their names, not by what is in them: of two that are alike today one may be renewed.
      const trust = tls && [tls.files, tls.serverName]
      const key = JSON.stringify([replicas, balance, timeouts, limits, healthCheck, ejection, trust])
      const known = pools.get(key)
      if (known === undefined) {
        const pool = createPool(options, dependencies, inTurn)
        pools.set(key, { pool, tls })
        return pool
      }
      const { pool } = known
      if (tls !== undefined && !sameTexts(tls, known.tls)) {
        pool.renewTls(tls)
        known.tls = tls
      }
      return pool
    },
    /** Retires all but these. Who still has one destroys it when nobody needs it any more. */
    keep: (used: ReadonlySet<UpstreamPool>): void => {
      for (const [key, { pool }] of pools) {
        if (used.has(pool)) continue
        pools.delete(key)
        pool.retire()
      }
    },
  }
}

/** Checks of one gateway that are under way at a time: each takes a file descriptor. */
const checksAtOnce = 256

const sameTexts = (one: UpstreamTls, other: UpstreamTls | undefined): boolean =>
  one.ca === other?.ca && one.certificate === other?.certificate && one.key === other?.key
