import type { Socket } from 'node:net'
import { Client, type Dispatcher, errors } from 'undici'
import type { Connector } from './connector.ts'
import type { ReplicaOptions, UpstreamOptions } from './options.ts'
import type { Ending, Lease } from './pool.ts'

/** A connection for one request after the other. Who has taken it sends one and calls `ended`. */
export interface Connection extends Lease {
  dispatch(options: Dispatcher.DispatchOptions, handler: Dispatcher.DispatchHandler): void
}

/** The connections to one replica. */
export interface Connections {
  /**
   * One that waits, the last used first, so that those not needed can end; else a new one. Undefined: all that may be
   * are busy.
   *
   * @param anew not one that has served before: the replica may have closed all of those
   */
  take(anew: boolean): Connection | undefined
  /** How many are taken. */
  busy(): number
  /** New connections are made by this; busy ones finish, the others end now. */
  renew(connector: Connector): void
  /** Cuts everything. */
  destroy(): Promise<void>
}

/** One connection and its place in the set. */
interface Member extends Connection {
  reused: boolean
  readonly client: Client
  /** There is a socket, and undici has it: one that went to a tunnel is gone. */
  live: boolean
  /** What is being made a connection, if there is none. */
  begun: Socket | undefined
  taken: boolean
  /** Made by a connector that is no longer used. */
  old: boolean
}

/**
 * A set of undici clients instead of its Pool, which looks through all of them for every request, and does not say
 * whether a connection has served before. None is made before it is needed.
 *
 * @param ended a connection has come back; not to dispatch in, as undici is still busy with the request that ended
 */
export const createConnections = (
  replica: ReplicaOptions,
  { timeouts, pool }: Pick<UpstreamOptions, 'timeouts' | 'pool'>,
  connector: Connector,
  ended: (outcome: Ending) => void,
): Connections => {
  let connect = connector
  let busy = 0
  const all = new Set<Member>()
  // Those that wait, the last one first to go. Some may have lost their socket: they are found out when their turn comes.
  const idle: Member[] = []

  const drop = (member: Member): void => {
    all.delete(member)
    // It waits for the request that is on its way out. With a callback: a promise would be rejected if it is destroyed.
    member.client.close(ignore)
  }
  // undici forgets a connection that is still being made; it would go on until it is made, or its time is over.
  const destroy = ({ client, begun }: Member): Promise<void> => {
    const over = client.destroy()
    begun?.destroy(new errors.RequestAbortedError())
    return over
  }
  const make = (): Member => {
    const by = connect
    const client = new Client(replica.origin, {
      // One request at a time on a connection: a hostile answer can only harm its own request (H1-20).
      pipelining: 1,
      connect: (asked, callback) => {
        member.begun = by(asked, callback)
      },
      // No environment variable chooses an experimental parser (`UNDICI_USE_MILO`).
      useMilo: false,
      headersTimeout: timeouts.responseMs,
      bodyTimeout: timeouts.idleMs,
      maxHeaderSize: 64 * 1024,
    })
    const member: Member = {
      replica,
      client,
      reused: false,
      live: false,
      begun: undefined,
      taken: true,
      old: false,
      dispatch: (options, handler) => {
        client.dispatch(options, handler)
      },
      ended: (outcome) => {
        // A second word on the same request would free what belongs to the next one.
        if (!member.taken) return
        member.taken = false
        busy--
        // A request that failed, or was given up, takes its socket with it.
        if (outcome !== 'answered' || member.old) drop(member)
        else {
          member.reused = member.live
          idle.push(member)
        }
        ended(outcome)
      },
      cut: () => {
        if (member.taken && !member.live) void destroy(member)
      },
    }
    client.on('connect', () => {
      member.live = true
      member.begun = undefined
    })
    // A client whose socket was closed makes another one when it has something to send.
    client.on('disconnect', () => {
      member.live = false
      member.reused = false
    })
    all.add(member)
    return member
  }
  const waiting = (): Member | undefined => {
    let last: Member | undefined
    for (let member = idle.pop(); member; member = idle.pop()) {
      if (last) drop(last)
      if (member.live) return member
      last = member
    }
    return last
  }
  return {
    take: (anew) => {
      if (busy >= pool.connections) return undefined
      busy++
      const member = waiting()
      if (!member) return make()
      if (anew && member.live) {
        drop(member)
        return make()
      }
      member.taken = true
      return member
    },
    busy: () => busy,
    renew: (connector) => {
      connect = connector
      for (const member of all) member.old = true
      for (const member of idle.splice(0)) drop(member)
    },
    destroy: async () => {
      await Promise.all([...all].map(destroy))
    },
  }
}

const ignore = (): void => undefined
