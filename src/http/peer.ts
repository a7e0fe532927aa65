import type { Socket } from 'node:net'
import { BlockList, isIP } from 'node:net'
import { TLSSocket } from 'node:tls'
import { parseAuthority } from '../decision/authority.ts'
import type { Hop } from '../upstream/request-headers.ts'
import { forwardedThumbprint, thumbprintOf } from './client-certificate.ts'
import type { Head } from './head.ts'
import type { ListenOptions, TlsOptions } from './options.ts'
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
  /** Our element of `Forwarded` for the last authority asked for here, which is seldom another one. */
  told: { readonly authority: string; readonly element: string } | undefined
}

export interface Peers {
  of(socket: Socket): Peer
  /** The client's address: from the right, the first that is no trusted proxy (FW-2). For the log only. */
  clientAddress(peer: Peer, head: Head): string
  /**
   * The thumbprint of the client certificate behind a request. Of a stranger its own, whatever its fields say (MT-4,
   * MT-5); of a trusted proxy what its fields say, and never its own: that is not the client's.
   */
  certificateOf(peer: Peer, head: Head): string | undefined
}

export const createPeers = ({ trustedProxies, tls }: Pick<ListenOptions, 'trustedProxies' | 'tls'>): Peers => {
  const trusted = blockList(trustedProxies)
  const known = new WeakMap<Socket, Peer>()
  const isTrusted = (address: string): boolean => {
    const family = isIP(address)
    return family !== 0 && trusted.check(address, family === 6 ? 'ipv6' : 'ipv4')
  }
  return {
    of: (socket) => {
      const seen = known.get(socket)
      if (seen) return seen
      const address = unmapped(socket.remoteAddress ?? '')
      const trusts = trustedProxies.length > 0 && isTrusted(address)
      const certificate = lazily(() => certificateOn(socket, tls))
      const peer: Peer = {
        address,
        trusted: trusts,
        tls: 'encrypted' in socket,
        get certificate() {
          return certificate()
        },
        ending: false,
        told: undefined,
      }
      known.set(socket, peer)
      return peer
    },
    clientAddress: (peer, head) => {
      if (!peer.trusted || head.forwarded.for === '') return peer.address
      let address = peer.address
      for (const entry of head.forwarded.for.split(',').reverse()) {
        const text = unmapped(entry.trim())
        if (isIP(text) === 0) return address
        address = text
        if (!isTrusted(text)) return text
      }
      return address
    },
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

/** Whether the request came over TLS here, or a trusted proxy says so and nothing it says disagrees (FW-7, BR-23). */
export const isSecure = (peer: Peer, head: Head): boolean => peer.tls || (peer.trusted && protoOf(head) === 'https')

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
  const chain = isAddressList(head.forwarded.for) ? `${head.forwarded.for}, ` : ''
  const elements = isForwarded(head.forwarded.forwarded) ? `${head.forwarded.forwarded}, ` : ''
  const proto = peer.tls || protoOf(head) === 'https' ? 'https' : 'http'
  return {
    forwardedFor: chain + address,
    forwarded: elements + elementOf(peer, authority, proto),
    proto,
    host: publicAuthority(peer, head, authority),
    via: way,
    requestId,
  }
}

/**
 * The authority under which the client asked: what a trusted proxy says it was, else the validated one of the request
 * itself. A stranger's word never counts (FW-6, DP-7).
 */
export const publicAuthority = (peer: Peer, head: Head, authority: string): string =>
  peer.trusted && parseAuthority(head.forwarded.host) !== undefined ? head.forwarded.host : authority

/** RFC 7239 section 4. */
const elementOf = ({ address }: Peer, authority: string, proto: string): string => {
  const node = address.includes(':') ? `"[${address}]"` : address === '' ? 'unknown' : address
  const host = authority === '' ? '' : `;host="${authority}"`
  return `for=${node}${host};proto=${proto}`
}

const unmapped = (address: string): string =>
  address.startsWith('::ffff:') && address.includes('.') ? address.slice(7) : address

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

/** The scheme that a proxy's fields agree on; anything mixed or unknown is `http`, the one that is trusted less. */
const protoOf = (head: Head): 'http' | 'https' => {
  const { proto, forwarded } = head.forwarded
  const said = [
    ...(proto === '' ? [] : proto.split(',').map((value) => value.trim().toLowerCase())),
    ...(isForwarded(forwarded) ? protosOf(forwarded) : []),
  ]
  return said.length > 0 && said.every((value) => value === 'https') ? 'https' : 'http'
}

/** Pair by pair, so that a quoted value that holds `;proto=https` is no `proto`. */
const protosOf = (forwarded: string): string[] =>
  [...forwarded.matchAll(pairs)]
    .map(([text]) => text.toLowerCase())
    .filter((text) => text.startsWith('proto='))
    .map((text) => text.slice('proto='.length).replace(/^"(.*)"$/, '$1'))

const isAddressList = (list: string): boolean =>
  list !== '' && list.split(',').every((entry) => isIP(unmapped(entry.trim())) !== 0)

/** RFC 7239 section 4, strictly; a field that breaks the grammar is discarded whole (FW-4). */
const isForwarded = (value: string): boolean => forwardedGrammar.test(value)

const token = "[A-Za-z0-9!#$%&'*+.^_`|~-]+"
const pair = `${token}=(?:${token}|"(?:[\\x20\\x21\\x23-\\x5b\\x5d-\\x7e]|\\\\[\\x20-\\x7e])*")`
const pairs = new RegExp(pair, 'g')
const forwardedGrammar = new RegExp(`^${pair}(?:;${pair})*(?:[ \\t]*,[ \\t]*${pair}(?:;${pair})*)*$`)
