import { type Dispatcher, Pool } from 'undici'
import type { UpstreamOptions } from './options.ts'

/** Connections to one upstream. Made when the first request comes, so that ten thousand entries cost nothing idle. */
export interface UpstreamPool {
  /**
   * False: the queue is full, and nothing was taken. The handler calls `ended` once, when its request is over.
   */
  dispatch(options: Dispatcher.DispatchOptions, handlerOf: (ended: () => void) => Dispatcher.DispatchHandler): boolean
  /** Requests under way or waiting. */
  readonly open: number
  /** Ends idle connections now and the others with their requests; settles when all are gone. */
  close(): Promise<void>
  /** Cuts everything. */
  destroy(): Promise<void>
}

/** How many requests may wait for a connection before the next one is refused with `upstream_overloaded`. */
const waitingAtMost = 1024

export const createPool = (options: UpstreamOptions): UpstreamPool => {
  let pool: Pool | undefined
  let open = 0
  const limit = options.pool.connections + waitingAtMost
  const start = (): Pool => {
    pool = new Pool(options.origin, {
      connections: options.pool.connections,
      // One request at a time on a connection: a hostile answer can only harm its own request (H1-20).
      pipelining: 1,
      connect: { timeout: options.timeouts.connectMs },
      headersTimeout: options.timeouts.responseMs,
      bodyTimeout: options.timeouts.idleMs,
      maxHeaderSize: 64 * 1024,
    })
    return pool
  }
  return {
    dispatch: (request, handlerOf) => {
      if (open >= limit) return false
      open++
      const ended = (): void => {
        open--
      }
      ;(pool ?? start()).dispatch(request, handlerOf(ended))
      return true
    },
    get open() {
      return open
    },
    close: async () => pool?.close(),
    destroy: async () => pool?.destroy(),
  }
}
