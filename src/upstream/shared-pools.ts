import type { UpstreamOptions } from './options.ts'
import { createPool, type PoolDependencies, type UpstreamPool } from './pool.ts'
import { createTurns } from './turns.ts'

/** The pools of one gateway: entries that differ in nothing that a connection knows of share one, and its limits. */
export const sharedPools = (dependencies: PoolDependencies) => {
  const pools = new Map<string, UpstreamPool>()
  const inTurn = createTurns(checksAtOnce)
  return {
    of: (options: UpstreamOptions): UpstreamPool => {
      const { replicas, balance, timeouts, pool: limits, healthCheck, ejection, tls } = options
      // The files by their names, not by what is in them: of two that are alike today one may be renewed.
      const trust = tls && [tls.files, tls.serverName]
      const key = JSON.stringify([replicas, balance, timeouts, limits, healthCheck, ejection, trust])
      const pool = pools.get(key) ?? createPool(options, dependencies, inTurn)
      pools.set(key, pool)
      return pool
    },
    /** Cuts everything. */
    destroy: async (): Promise<void> => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

/** Checks of one gateway that are under way at a time: each takes a file descriptor. */
const checksAtOnce = 256
