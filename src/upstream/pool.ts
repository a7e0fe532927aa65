import type { Dispatcher } from 'undici'
import type { Refusal } from '../decision/refusal.ts'
import { createAsk } from './ask.ts'
import { type Choosable, createBalance } from './balance.ts'
import { type Connection, type Connections, createConnections } from './connections.ts'
import { createConnector } from './connector.ts'
import { createEjection } from './ejection.ts'
import { watchHealth } from './health.ts'
import type { ReplicaOptions, UpstreamOptions, UpstreamTls } from './options.ts'
import { createQueue } from './queue.ts'
import type { InTurn } from './turns.ts'

/**
 * The replicas of one upstream, and the connections to them. Connections are made when the first request comes, so that
 * ten thousand entries cost nothing idle.
 */
export interface UpstreamPool {
  /**
   * Sends the request at once, or when a connection is free; after its time in the queue it is overdue.
   *
   * @returns how to leave the queue, or of one that was sent at once its `Lease.cut`; or why nothing was taken:
   *   `upstream_overloaded` with a full queue, `upstream_unreachable` without a healthy replica
   */
  dispatch(wanted: Wanted): (() => void) | Refusal
  /** Every replica, in the order of the config: neither found unhealthy by the checks nor left out for a while. */
  health(): readonly { readonly replica: ReplicaOptions; readonly healthy: boolean }[]
  /** Connections that are made from now on use these files; busy ones finish, the others end now. */
  renewTls(tls: UpstreamTls): void
  /**
   * No config has it any more: ends the checks, and the connections that wait. What is under way, and who still comes,
   * goes on until `destroy`.
   */
  retire(): void
  /** Cuts everything, and ends the checks. */
  destroy(): Promise<void>
}

/** A request that wants a connection. */
export interface Wanted {
  /** Where it failed already: another replica is preferred, if there is one, and the connection is a new one. */
  readonly tried: readonly ReplicaOptions[]
  /** Only a replica that is not in `tried` will do. */
  readonly elsewhere?: boolean
  /** How long it may wait in the queue; undefined: `timeouts.responseMs`. */
  readonly waitMs?: number | undefined
  /** Its turn has come: what goes on the connection, or undefined: nothing any more. Called at most once. */
  readonly send: (lease: Lease) =>
    | {
        readonly options: Dispatcher.DispatchOptions
        readonly handler: Dispatcher.DispatchHandler
      }
    | undefined
  /**
   * No connection came free in time (`upstream_overloaded`), or no replica is left that would do: nothing was sent, nor
   * will be. Called at most once, and nothing else then.
   */
  readonly overdue: (refusal: Refusal) => void
}

/** A connection for the time of one request. */
export interface Lease {
  readonly replica: ReplicaOptions
  /**
   * It has carried a request before: the other side may have closed it in the meantime. To be read as soon as the request
   * has failed: a connection that is found closed is made anew under a request that waits on it.
   */
  readonly reused: boolean
  /** To be called once, when the request is over: the connection is for the next one. */
  readonly ended: (outcome: Ending) => void
  /**
   * Ends the making of the connection: the request has failed then, which its handler is told. Without effect when there
   * is a connection, on which requests are aborted by the handler's controller. Not to be called when it is over.
   */
  readonly cut: () => void
}

/** What a request says of its replica: an answer of any status; no answer, or half of one; nothing, the client left. */
export type Ending = 'answered' | 'failed' | 'abandoned'

/** What the pools have of the world around them. */
export interface PoolDependencies {
  /** Milliseconds that only grow. */
  readonly now: () => number
  /** Runs something once after so many milliseconds, unless the function returned is called before. */
  readonly after: (ms: number, run: () => void) => () => void
  /** From 0 to 1, for the times of the checks. */
  readonly random?: () => number
  readonly events: PoolEvents
}

export interface PoolEvents {
  /** The active checks have found that a replica is not what it was. `detail`: the answer that brought it about. */
  health(replica: ReplicaOptions, healthy: boolean, detail: string): void
  /** Requests to it failed in a row: it is left out for a while. */
  ejected(replica: ReplicaOptions): void
}

/** Where requests go, and how it is there. */
interface Home extends Choosable {
  readonly connections: Connections
  renewTls(tls: UpstreamTls): void
  /** Ends the connections that wait, and each other one with its request. */
  release(): void
  close(): void
}

/**
 * The checks begin within a second.
 *
 * @param inTurn when a check may be made
 */
export const createPool = (
  options: UpstreamOptions,
  { now, after, random, events }: PoolDependencies,
  inTurn: InTurn,
): UpstreamPool => {
  const { replicas, pool: limits, timeouts, healthCheck } = options
  const ejection =
    options.ejection && replicas.length > 1 ? createEjection(options.ejection, replicas.length, now) : undefined
  let closed = false

  const homeOf = (replica: ReplicaOptions, index: number): Home => {
    let connector = createConnector(replica, timeouts.connectMs, options.tls)
    let cancelReturn = ignore
    const connections = createConnections(replica, options, connector, (outcome) => {
      const outMs = ejection?.outcome(index, outcome)
      if (outMs !== undefined) {
        events.ejected(replica)
        // Nothing else may happen by which those who wait would learn of it. A timer may be a little early.
        if (!closed) cancelReturn = after(outMs + 1, serve)
      }
      // Not from within a callback of undici, which is still busy with the connection.
      if (queue.size() > 0) queueMicrotask(serve)
    })
    const ask = healthCheck && createAsk(replica, healthCheck.path, () => connector, after, inTurn)
    const changed = (healthy: boolean, detail: string): void => {
      events.health(replica, healthy, detail)
      // There is one more for those who wait; or none at all, and they need not wait.
      serve()
    }
    const health = healthCheck && ask && watchHealth(healthCheck, ask, { changed }, { after }, random)
    return {
      replica,
      connections,
      busy: connections.busy,
      healthy: health?.healthy ?? always,
      out: ejection ? () => ejection.isOut(index) : never,
      renewTls: (tls) => {
        connector = createConnector(replica, timeouts.connectMs, tls)
        connections.renew(connector)
      },
      release: () => connections.renew(connector),
      close: () => {
        cancelReturn()
        health?.close()
        ask?.stop()
      },
    }
  }
  const queue = createQueue<Wanted>(limits.queue, (wanted) => wanted.overdue(overloaded), after)
  const homes = replicas.map(homeOf)
  const choose = createBalance(homes, options.balance, limits.connections)

  const take = (wanted: Wanted): Connection | 'full' | 'none' => {
    const home = choose(wanted)
    if (typeof home === 'string') return home
    return home.connections.take(wanted.tried.length > 0) ?? 'full'
  }
  const sendOn = (connection: Connection, wanted: Wanted): void => {
    const sent = wanted.send(connection)
    if (sent) connection.dispatch(sent.options, sent.handler)
    else connection.ended('abandoned')
  }
  const serve = (): void => {
    for (const wanted of queue.all()) {
      const connection = take(wanted)
      if (typeof connection === 'object') {
        queue.leave(wanted)
        sendOn(connection, wanted)
      } else if (connection === 'none') {
        queue.leave(wanted)
        wanted.overdue(noneHealthy)
      } else if (wanted.tried.length === 0) {
        // Nobody behind it fares better. One that will not have every replica holds up nobody.
        return
      }
    }
  }
  return {
    dispatch: (wanted) => {
      if (closed) return shutDown
      if (queue.size() > 0) {
        if (choose(wanted) === 'none') return noneHealthy
      } else {
        const connection = take(wanted)
        if (typeof connection === 'object') {
          sendOn(connection, wanted)
          return connection.cut
        }
        if (connection === 'none') return noneHealthy
      }
      if (!queue.join(wanted, wanted.waitMs ?? timeouts.responseMs)) return overloaded
      // Behind those who wait; but what they will not have may be free.
      if (queue.size() > 1) queueMicrotask(serve)
      return () => void queue.leave(wanted)
    },
    health: () => homes.map((home) => ({ replica: home.replica, healthy: home.healthy() && !home.out() })),
    renewTls: (tls) => {
      for (const home of homes) home.renewTls(tls)
    },
    retire: () => {
      for (const home of homes) {
        home.close()
        home.release()
      }
    },
    destroy: async () => {
      closed = true
      for (const home of homes) home.close()
      queue.clear()
      await Promise.all(homes.map(({ connections }) => connections.destroy()))
    },
  }
}

const shutDown: Refusal = { reason: 'internal', fault: 'the end of the gateway' }
const noneHealthy: Refusal = { reason: 'upstream_unreachable', fault: 'no healthy replica' }
const overloaded: Refusal = { reason: 'upstream_overloaded' }

const ignore = (): void => undefined
const always = (): boolean => true
const never = (): boolean => false
