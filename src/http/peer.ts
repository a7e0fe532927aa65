import type { Socket } from 'node:net'
import { BlockList, isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import type { Hop } from '../upstream/request-headers.ts'
import { forwardedThumbprint, thumbprintOf } from './client-certificate.ts'
import { unmapped } from './forwarded.ts'
import type { ForwardedFields, Head } from './head.ts'
import type { ListenOptions, TlsOptions } from './options.ts'
import { type ProxyChain, readChain } from './proxy-chain.ts'
import { believedCertificate } from './tls.ts'

/** The other end of a connection, looked at once per connection. */
export interface Peer {
  /** Without the `::ffff:` of a mapped IPv4 address; `''` when the socket is gone already. */
  readonly address: string
  /** One of `listen.trusted_proxies`: only then are its forwarding fields believed (FW-2). */
  readonly trusted: boolean
  readonly tls: boolean
  /** The thumbprint of the {@link believedCertificate} of its own; looked at when first asked for. Never logged. */
  readonly certificate: string | undefined
  /** The connection ends with the answer under way: what the client sent behind it is no request (H1-19, H1-28). */
  ending: boolean
  /** How many requests came on it so far. */
  requests: number
  /** When it was first looked at, in milliseconds of `performance.now()`. */
  readonly since: number
  /** Our element of `Forwarded` for the last authority asked for here, which is seldom another one. */
  told: { readonly authority: string; readonly element: string } | undefined
  /** What the fields of a request say of the way to a trusted proxy. Not to be asked of any other peer. */
  readonly chain: (fields: ForwardedFields) => ProxyChain
}

export interface Peers {
  of(socket: Socket): Peer
  /** The client's address as far as it is believed (FW-2); a stranger's is its own. For the log only. */
  clientAddress(peer: Peer, head: Head): string
  /**
   * The thumbprint of the client certificate behind a request. Of a stranger its own, whatever its fields say (MT-4,
   * MT-5); of a trusted proxy what its fields say, and never its own: that is not the client's.
   */
  certificateOf(peer: Peer, head: Head): string | undefined
}

/** What a connection has behind it, whatever config its requests meet. */
type History = Pick<Peer, 'ending' | 'requests' | 'since'>

/** Of every connection. The peers of one config and of the next share one: what has ended stays so (H1-19). */
export type Histories = WeakMap<Socket, History>

/** @param histories those of the peers before; default: there were none */
export const createPeers = (
  { trustedProxies, tls }: Pick<ListenOptions, 'trustedProxies' | 'tls'>,
  histories: Histories = new WeakMap(),
): Peers => {
  const known = new WeakMap<Socket, Peer>()
  const isTrusted = trustedAmong(trustedProxies)
  return {
    of: (socket) => {
      const seen = known.get(socket)
      if (seen) return seen
      const address = unmapped(socket.remoteAddress ?? '')
      const trusts = trustedProxies.length > 0 && isTrusted(address)
      const certificate = lazily(() => certificateOn(socket, tls))
      const history = histories.get(socket) ?? { ending: false, requests: 0, since: performance.now() }
      histories.set(socket, history)
      const peer: Peer = {
        address,
        trusted: trusts,
        tls: 'encrypted' in socket,
        get certificate() {
          return certificate()
        },
        get ending() {
          return history.ending
        },
        set ending(ending) {
          history.ending = ending
        },
        get requests() {
          return history.requests
        },
        set requests(requests) {
          history.requests = requests
        },
        since: history.since,
        told: undefined,
        chain: remembering((fields) => readChain(fields, address, isTrusted)),
      }
      known.set(socket, peer)
      return peer
    },
    clientAddress: (peer, head) => (peer.trusted ? peer.chain(head.forwarded).client : peer.address),
    certificateOf: (peer, head) => (peer.trusted ? forwardedThumbprint(head.forwarded) : peer.certificate),
  }
}

/** One for the life of a connection: it is not negotiated again (see `tls.ts`). */
const certificateOn = (socket: Socket, tls: TlsOptions | undefined): string | undefined => {
  const certificate = tls && socket instanceof TLSSocket ? believedCertificate(socket, tls) : undefined
  return certificate && thumbprintOf(certificate.raw)
}

const lazily = <T>(make: () => T): (() => T) => {
  let made: { readonly value: T } | undefined
  return () => {
    made ??= { value: make() }
    return made.value
  }
}

/** For what is asked of one request several times over. */
const remembering = (read: (fields: ForwardedFields) => ProxyChain): ((fields: ForwardedFields) => ProxyChain) => {
  let last: { readonly fields: ForwardedFields; readonly chain: ProxyChain } | undefined
  return (fields) => {
    if (last?.fields !== fields) last = { fields, chain: read(fields) }
    return last.chain
  }
}

/** Whether the request came over TLS here, or a trusted proxy says so and nothing it says disagrees (FW-7, BR-23). */
export const isSecure = (peer: Peer, head: Head): boolean =>
  peer.tls || (peer.trusted && peer.chain(head.forwarded).secure)

/**
 * What the request to the upstream says of the way here: written afresh, on top of what a trusted proxy said (FW-1,
 * FW-3). `host` and `proto` come from the validated request, never from a stranger's fields (FW-6).
 *
 * @param authority as validated; `''` when the request had none
 */
export const hopOf = (peer: Peer, head: Head, authority: string, via: string, requestId: string): Hop => {
  const way = head.via === '' ? via : `${head.via}, ${via}`
  const address = peer.address === '' ? 'unknown' : peer.address
  if (!peer.trusted) {
    const proto = peer.tls ? 'https' : 'http'
    if (peer.told?.authority !== authority) peer.told = { authority, element: elementOf(peer, authority, proto) }
    return { forwardedFor: address, forwarded: peer.told.element, proto, host: authority, via: way, requestId }
  }
  const { forwardedFor, forwarded, secure, host } = peer.chain(head.forwarded)
  const proto = peer.tls || secure ? 'https' : 'http'
  return {
    forwardedFor: forwardedFor === '' ? address : `${forwardedFor}, ${address}`,
    forwarded: (forwarded === '' ? '' : `${forwarded}, `) + elementOf(peer, authority, proto),
    proto,
    host: host ?? authority,
    via: way,
    requestId,
  }
}

/**
 * The authority under which the client asked: what a trusted proxy says it was, else the validated one of the request
 * itself. A stranger's word never counts (FW-6, DP-7).
 */
export const publicAuthority = (peer: Peer, head: Head, authority: string): string =>
  (peer.trusted ? peer.chain(head.forwarded).host : undefined) ?? authority

/** RFC 7239 section 4. The zone of a link-local address is nothing to anybody else, and no part of a node. */
const elementOf = ({ address }: Peer, authority: string, proto: string): string => {
  const node = address.includes(':') ? `"[${address.split('%', 1)[0]}]"` : address === '' ? 'unknown' : address
  const host = authority === '' ? '' : `;host="${authority}"`
  return `for=${node}${host};proto=${proto}`
}

/** Whether an address, without a mapping, is one of `listen.trusted_proxies`. */
export const trustedAmong = (trustedProxies: readonly string[]): ((address: string) => boolean) => {
  const trusted = blockList(trustedProxies)
  return (address) => {
    const family = isIP(address)
    return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
}

const blockList = (entries: readonly string[]): BlockList => {
  const list = new BlockList()
  for (const entry of entries) {
    const [address = '', prefix] = entry.split('/')
    const family = isIP(address) === 6 ? 'ipv6' : 'ipv4'
    if (prefix === undefined) list.addAddress(address, family)
    else list.addSubnet(address, Number(prefix), family)
  }
  return list
}
