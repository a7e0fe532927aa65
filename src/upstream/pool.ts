import { type Dispatcher, Pool } from 'undici'
import type { UpstreamOptions } from './options.ts'

/** Connections to one upstream. Made when the first request comes, so that ten thousand entries cost nothing idle. */
export interface UpstreamPool {
  /**
   * Sends the request at once, or when a connection is free; after `timeouts.responseMs` in the queue it is overdue.
   * False: the queue is full, and nothing was taken.
   */
  dispatch(options: Dispatcher.DispatchOptions, takerOf: (place: Place) => Taker): boolean
  /** Cuts everything. */
  destroy(): Promise<void>
}

/** What a request has of the pool. */
export interface Place {
  /** To be called once by the handler, when its request is over: the connection is for the next one. */
  readonly ended: () => void
  /** The request is no longer wanted. It leaves the queue and is never sent; one that was sent is not affected. */
  readonly leave: () => void
}

export interface Taker {
  readonly handler: Dispatcher.DispatchHandler
  /** No connection came free in time: nothing was sent, nor will be. Called at most once, and nothing else then. */
  readonly overdue: () => void
}

/** The pools of one gateway: entries that differ in nothing that a connection knows of share one, and its limits. */
export const sharedPools = () => {
  const pools = new Map<string, UpstreamPool>()
  return {
    of: (options: UpstreamOptions): UpstreamPool => {
      const { connectMs, responseMs, idleMs } = options.timeouts
      const key = [options.origin, connectMs, responseMs, idleMs, options.pool.connections].join(' ')
      const pool = pools.get(key) ?? createPool(options)
      pools.set(key, pool)
      return pool
    },
    /** Cuts everything. */
    destroy: async (): Promise<void> => {
      await Promise.all([...pools.values()].map((pool) => pool.destroy()))
    },
  }
}

/** How many requests may wait for a connection before the next one is refused with `upstream_overloaded`. */
const waitingAtMost = 1024

export const createPool = (options: UpstreamOptions): UpstreamPool => {
  let pool: Pool | undefined
  const { connections } = options.pool
  let sent = 0
  // The queue is ours, not undici's: only so can a request leave it, for which undici would sacrifice a connection.
  const queue = new Map<() => void, () => void>()
  const start = (): Pool => {
    pool = new Pool(options.origin, {
      connections,
      // One request at a time on a connection: a hostile answer can only harm its own request (H1-20).
      pipelining: 1,
      // Said aloud, so that no environment variable can turn it off.
      connect: { timeout: options.timeouts.connectMs, rejectUnauthorized: true },
      headersTimeout: options.timeouts.responseMs,
      bodyTimeout: options.timeouts.idleMs,
      maxHeaderSize: 64 * 1024,
    })
    return pool
  }
  const next = (): void => {
    for (const go of queue.keys()) {
      if (sent >= connections) return
      go()
    }
  }
  const ended = (): void => {
    sent--
    // Not from within a callback of undici, which is still busy with the connection.
    if (queue.size > 0) queueMicrotask(next)
  }
  return {
    dispatch: (request, takerOf) => {
      if (queue.size >= waitingAtMost) return false
      let timer: NodeJS.Timeout | undefined
      const leave = (): void => {
        if (queue.delete(go)) clearTimeout(timer)
      }
      const go = (): void => {
        leave()
        sent++
        ;(pool ?? start()).dispatch(request, taker.handler)
      }
      const taker = takerOf({ ended, leave })
      if (sent < connections && queue.size === 0) {
        go()
        return true
      }
      const giveUp = (): void => {
        leave()
        taker.overdue()
      }
      // Those ahead may have clients that take their time: this one does not wait for them longer than for an answer.
      timer = setTimeout(giveUp, options.timeouts.responseMs)
      queue.set(go, giveUp)
      return true
    },
    destroy: async () => {
      for (const giveUp of queue.values()) giveUp()
      await pool?.destroy()
    },
  }
}
