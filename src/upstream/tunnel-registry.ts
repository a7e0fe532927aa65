import type { Socket } from 'node:net'
import type { CloseCode } from './close-frame.ts'
import type { WebSocketOptions } from './options.ts'
import { type Splice, type SpliceEvents, splice } from './splice.ts'

/** The tunnels that are open, and how long each may be. */
export interface TunnelRegistry {
  /**
   * @param head what the client sent ahead, which goes first
   * @param expiresAt of the token, in seconds since the epoch
   * @param stands whether what it was let in by still holds
   */
  add(
    client: Socket,
    upstream: Socket,
    head: Buffer,
    events: SpliceEvents,
    limits: WebSocketOptions,
    expiresAt: number | undefined,
    stands: () => boolean,
  ): void
  /** After a reload: ends those that no longer {@link TunnelRegistry.add stand} (WS-10). @returns how many there were */
  review(): number
  /** Ends them all, and each that comes later at once. Resolves with how many there were when they are closed. */
  close(): Promise<number>
}

interface Tunnel extends Splice {
  readonly limits: WebSocketOptions
  readonly expiresAt: number
  readonly since: number
  readonly stands: () => boolean
  quietSince: number
  /** It was told to end because it does not stand. */
  fallen: boolean
}

/**
 * One timer looks at all tunnels, twice a second while there are any: a chunk sets no timer, and a limit of years
 * overflows none.
 *
 * @param now seconds since the epoch
 * @param monotonic milliseconds
 */
export const createTunnelRegistry = (now: () => number, monotonic: () => number): TunnelRegistry => {
  const tunnels = new Set<Tunnel>()
  let timer: NodeJS.Timeout | undefined
  let closing = false
  let emptied = (): void => undefined

  /** Why a tunnel must end now. */
  const overdue = (tunnel: Tunnel, at: number, instant: number): CloseCode | undefined => {
    if (instant >= tunnel.expiresAt) return 1008
    if (tunnel.moved()) tunnel.quietSince = at
    const { idleMs, maxMs } = tunnel.limits
    return at - tunnel.quietSince >= idleMs || at - tunnel.since >= maxMs ? 1001 : undefined
  }
  const sweep = (): void => {
    const at = monotonic()
    const instant = now()
    for (const tunnel of tunnels) {
      const code = overdue(tunnel, at, instant)
      if (code !== undefined) tunnel.end(code)
    }
  }
  return {
    add: (client, upstream, head, { onBytes, onEnd }, limits, expiresAt, stands) => {
      const since = monotonic()
      const spliced = splice(client, upstream, head, {
        onBytes,
        onEnd: (broken) => {
          tunnels.delete(tunnel)
          if (tunnels.size === 0) {
            clearInterval(timer)
            timer = undefined
            emptied()
          }
          onEnd(broken)
        },
      })
      const tunnel: Tunnel = {
        ...spliced,
        limits,
        expiresAt: (limits.closeAtExpiry ? expiresAt : undefined) ?? Number.POSITIVE_INFINITY,
        since,
        stands,
        quietSince: since,
        fallen: false,
      }
      tunnels.add(tunnel)
      timer ??= setInterval(sweep, sweepMs).unref()
      if (closing) tunnel.end(1001)
      // The reload came between the decision and the 101.
      else if (!stands()) tunnel.end(1012)
    },
    review: () => {
      const fallen = [...tunnels].filter((tunnel) => !tunnel.fallen && !tunnel.stands())
      for (const tunnel of fallen) {
        tunnel.fallen = true
        tunnel.end(1012)
      }
      return fallen.length
    },
    close: async () => {
      closing = true
      const { size } = tunnels
      if (size === 0) return 0
      const closed = new Promise<void>((resolve) => {
        emptied = resolve
      })
      for (const tunnel of tunnels) tunnel.end(1001)
      await closed
      return size
    },
  }
}

const sweepMs = 500
