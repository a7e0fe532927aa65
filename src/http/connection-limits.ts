import type { Server, Socket } from 'node:net'
import { unmapped } from './forwarded.ts'
import type { ListenOptions } from './options.ts'
import { trustedAmong } from './peer.ts'

/** Why a connection was not let in: there are too many, or too many of its client. */
export type Dropped = 'connections' | 'connections_per_client'

/**
 * Keeps a server within its connections. One too many is closed as it comes, before a byte of it is read and before TLS
 * has begun; those that are open never notice. Tunnels and handshakes count, as long as they are open.
 *
 * A client is a peer address; of IPv6 the first 64 bits, which is what one subscriber gets. A trusted proxy, which
 * brings everybody's requests, is no client: only the limit for all holds for it.
 *
 * To be called when everything else listens to the server's connections.
 *
 * @returns from then on these are the trusted proxies, for connections that come
 */
export const limitConnections = (
  server: Server,
  { limits, trustedProxies }: Pick<ListenOptions, 'trustedProxies'> & { readonly limits: ConnectionLimits },
  dropped: (why: Dropped) => void,
): ((trustedProxies: readonly string[]) => void) => {
  const { connections, connectionsPerClient: most } = limits
  if (connections > 0) {
    server.maxConnections = connections
    server.on('drop', () => dropped('connections'))
  }
  if (most === 0) return () => undefined
  let isTrusted = trustedAmong(trustedProxies)
  const counts = new Map<string, number>()
  const admit = (socket: Socket): boolean => {
    const address = unmapped(socket.remoteAddress ?? '')
    if (isTrusted(address)) return true
    const client = clientOf(address)
    const count = counts.get(client) ?? 0
    if (count >= most) return false
    counts.set(client, count + 1)
    socket.once('close', () => {
      const left = (counts.get(client) ?? 1) - 1
      if (left > 0) counts.set(client, left)
      else counts.delete(client)
    })
    return true
  }
  // Those who would read from it, or begin with TLS, must not see it at all.
  const others = server.listeners('connection')
  server.removeAllListeners('connection')
  server.on('connection', (socket) => {
    if (admit(socket)) {
      for (const other of others) Reflect.apply(other, server, [socket])
      return
    }
    socket.destroy()
    dropped('connections_per_client')
  })
  return (networks) => {
    isTrusted = trustedAmong(networks)
  }
}

type ConnectionLimits = Pick<ListenOptions['limits'], 'connections' | 'connectionsPerClient'>

/** Who counts as one client. */
export const clientOf = (address: string): string => {
  if (!address.includes(':')) return address
  const [head = '', tail] = address.split('::', 2)
  const groups = head === '' ? [] : head.split(':')
  if (tail !== undefined) {
    const behind = tail === '' ? [] : tail.split(':')
    while (groups.length + behind.length < 8) groups.push('0')
    groups.push(...behind)
  }
  return `${groups.slice(0, 4).join(':')}::/64`
}
