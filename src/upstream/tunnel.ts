import type { Socket } from 'node:net'
import type { Grant } from '../decision/authorize.ts'
import type { PublicPass } from '../decision/decide.ts'
import type { Cancel, Exchange } from './exchange.ts'
import { attemptInTurn, type Way } from './forward.ts'
import { answerFault, readHandshake } from './handshake.ts'
import type { WebSocketOptions } from './options.ts'
import { createTunnelRegistry } from './tunnel-registry.ts'

/** What makes a request one for a tunnel. */
export interface Upgrade {
  /** The client's connection; no HTTP parser reads it any more. */
  readonly socket: Socket
  /** What the client sent behind the head already: held back until the 101 (WS-7). */
  readonly head: Buffer
  /** Takes the connection over: from here on the response has none, and nobody else listens to it. */
  readonly take: () => void
  /** When the token expires, with the issuer's clock tolerance, in seconds since the epoch; undefined: no token. */
  readonly expiresAt: number | undefined
  /** The 101 was sent: from here on it is a tunnel, and `onEnd` tells of its end. */
  readonly onOpen: () => void
}

/** Every WebSocket tunnel of one gateway. */
export interface Tunnels {
  /**
   * Relays the handshake, and then what both sides say to each other. Refuses with `request_malformed` (WS-4) and
   * `route_denied` (WS-8) before the upstream is contacted. A handshake is a GET without content, and sent again where
   * such a one is (HS-16). An answer that is no 101 is relayed like any other (WS-6).
   *
   * @param through `stands`: whether what it was let in by still holds; default: always
   */
  open(
    permission: Grant | PublicPass,
    exchange: Exchange,
    upgrade: Upgrade,
    through: Way & { readonly websocket: WebSocketOptions; readonly stands?: () => boolean },
  ): Cancel
  /** After a reload: ends those that no longer stand, with 1012 to both sides (WS-10). @returns how many there were */
  review(): number
  /** Ends every tunnel: a Close frame with 1001 to both sides, then the connections. Resolves with how many there were. */
  close(): Promise<number>
}

/**
 * @param now seconds since the epoch
 * @param monotonic milliseconds
 */
export const createTunnels = ({
  now,
  monotonic = () => performance.now(),
}: {
  readonly now: () => number
  readonly monotonic?: () => number
}): Tunnels => {
  const registry = createTunnelRegistry(now, monotonic)
  return {
    close: registry.close,
    review: registry.review,
    open: (permission, exchange, upgrade, way) => {
      const { websocket, headers, stands = always } = way
      const handshake = readHandshake(exchange.request.rawHeaders, websocket.origins)
      if ('reason' in handshake) {
        exchange.onRefused(handshake)
        return ignore
      }
      let opened = false
      const refuse = (fault: string): void => cancel({ reason: 'upstream_invalid', fault })

      const openTo = (upstream: Socket, raw: readonly string[]): void => {
        opened = true
        const { socket, head } = upgrade
        upgrade.take()
        socket.write(switching(headers.response(raw, 101, exchange.hop.requestId, false)), 'latin1')
        exchange.onHead(101)
        upgrade.onOpen()
        registry.add(socket, upstream, head, exchange, websocket, upgrade.expiresAt, stands)
      }

      const cancel = attemptInTurn(permission, exchange, way, ({ options, handler }, lease) => ({
        options: { ...options, upgrade: 'websocket' },
        handler: {
          ...handler,
          onResponseStart: (running, status, ...rest) => {
            // Without the fields of an upgrade it is an interim answer to undici.
            if (status === 101) refuse('upgrade: a 101 without Connection and Upgrade')
            else handler.onResponseStart?.(running, status, ...rest)
          },
          onRequestUpgrade: (running, status, _parsed, connection) => {
            // undici gives the socket itself, whatever its types say.
            const upstream = connection as Socket
            const raw = textOf(running.rawHeaders)
            exchange.onAnswer()
            const fault = status === 101 ? answerFault(raw, handshake) : 'upgrade: not by a 101'
            if (fault !== undefined) return refuse(fault)
            lease.ended('answered')
            openTo(upstream, raw)
          },
        },
      }))
      return (refusal) => {
        if (!opened) cancel(refusal)
      }
    },
  }
}

const ignore = (): void => undefined
const always = (): boolean => true

/** The head of the 101: what is for one hop only is written anew, and a 101 has no length (RFC 9110 section 8.6). */
const switching = (fields: readonly string[]): string => {
  let head = 'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n'
  for (let i = 0; i + 1 < fields.length; i += 2) {
    if (fields[i]?.toLowerCase() !== 'content-length') head += `${fields[i]}: ${fields[i + 1]}\r\n`
  }
  return `${head}\r\n`
}

const textOf = (raw: unknown): readonly string[] =>
  Array.isArray(raw) ? raw.map((part: unknown) => (part instanceof Buffer ? part.toString('latin1') : `${part}`)) : []
