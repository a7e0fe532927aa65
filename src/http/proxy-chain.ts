import { parseAuthority } from '../decision/authority.ts'
import { addressOfEntry, addressOfNode, type ForwardedElement, hopsAtMost, readForwarded } from './forwarded.ts'
import type { ForwardedFields } from './head.ts'

/** What the fields of a trusted proxy say of the way to it, as far as they are believed. */
export interface ProxyChain {
  /** The client's address: the first that is no trusted proxy, or where what is believed ends. */
  readonly client: string
  /** The authority that the client asked for; undefined: nobody said, or not all the same. */
  readonly host: string | undefined
  /** Whether the client came over TLS; false when nobody said, or not all the same. */
  readonly secure: boolean
  /** What of `X-Forwarded-For` goes on, as it came; `''`: nothing. */
  readonly forwardedFor: string
  /** What of `Forwarded` goes on, as it came; `''`: nothing. */
  readonly forwarded: string
}

/**
 * Walks from the peer, which is trusted, towards the client (FW-2): each entry was written by the hop behind it, and is
 * worth as much as that one is. The walk ends at the first address that is no trusted proxy, in front of an entry that
 * names none, and where `X-Forwarded-For` and `Forwarded` name two: many a proxy writes one of them and lets through
 * what its client said in the other (FW-7). Host and scheme are those that the last trusted hop on the way saw, never
 * the left-most, which may be the client's own.
 *
 * @param peer the address of the proxy itself
 */
export const readChain = (
  fields: ForwardedFields,
  peer: string,
  isTrusted: (address: string) => boolean,
): ProxyChain => {
  const { addresses, entries, rest } = readAddresses(fields.for)
  const elements = readForwarded(fields.forwarded)
  const { client, hop } = walk(addresses, elements ?? [], peer, isTrusted)
  const element = hop === undefined ? undefined : elements?.[hop]
  const host = element?.host
  const proto = element?.proto
  return {
    client,
    host: agreedHost(withElement(host, saidOf(fields.host, hop, entries), fields.for)),
    secure: areHttps(withElement(proto, saidOf(fields.proto, hop, entries), fields.for)),
    forwardedFor: rest,
    forwarded: elements === undefined ? '' : fields.forwarded,
  }
}

/**
 * What an element of `Forwarded` says, beside what the other fields say. Where the proxies write `X-Forwarded-For`, the
 * element may be the client's own, which they let through: it can contradict, and say nothing by itself (FW-6, FW-7).
 */
const withElement = (element: string | undefined, said: readonly string[], listed: string): readonly string[] =>
  element === undefined || (said.length === 0 && listed !== '') ? said : [element, ...said]

/** `hop`: which entry from the right the last trusted hop wrote; undefined: there is none. */
const walk = (
  addresses: readonly string[],
  elements: readonly ForwardedElement[],
  peer: string,
  isTrusted: (address: string) => boolean,
): { readonly client: string; readonly hop: number | undefined } => {
  const length = Math.max(addresses.length, elements.length)
  let client = peer
  for (let hop = 0; hop < length; hop++) {
    const node = elements[hop]?.for
    const told = node === undefined ? undefined : addressOfNode(node)
    const address = addresses[hop] ?? told ?? ''
    if (address === '' || (told !== undefined && told !== address)) return { client, hop }
    client = address
    if (!isTrusted(address)) return { client, hop }
  }
  return { client, hop: length === 0 ? undefined : length - 1 }
}

interface Addresses {
  /** The last hop first; `''`, and then nothing more, for an entry that is no address. */
  readonly addresses: readonly string[]
  /** How many entries there are, good or not. */
  readonly entries: number
  /** What goes on: it begins behind an entry that is no address, so that a client that breaks its own takes no others. */
  readonly rest: string
}

/** Of `X-Forwarded-For`. */
const readAddresses = (list: string): Addresses => {
  if (list === '') return noAddresses
  const entries = list.split(',')
  const addresses: string[] = []
  for (let i = entries.length - 1; i >= 0 && addresses.length < hopsAtMost && addresses.at(-1) !== ''; i--) {
    addresses.push(addressOfEntry((entries[i] ?? '').trim()))
  }
  const good = addresses.at(-1) === '' ? addresses.length - 1 : addresses.length
  const rest =
    good === entries.length
      ? list
      : entries
          .slice(entries.length - good)
          .join(',')
          .trim()
  return { addresses, entries: entries.length, rest }
}

const noAddresses: Addresses = { addresses: [], entries: 0, rest: '' }

/**
 * What a list without addresses says of a hop. Most proxies set the field, and its one value is for the whole way. Those
 * that append (Spring Cloud Gateway) do so at each hop, as they do to the addresses: only where each value has its
 * address is it known whose it is. Elsewhere all of them count.
 */
const saidOf = (list: string, hop: number | undefined, entries: number): readonly string[] => {
  if (list === '') return []
  if (!list.includes(',')) return [list]
  const values = list.split(',').map((value) => value.trim())
  const value = hop === undefined || values.length !== entries ? undefined : values.at(-1 - hop)
  return value === undefined ? values : [value]
}

const agreedHost = (said: readonly string[]): string | undefined => {
  const [host = ''] = said
  const isSame = (one: string): boolean => one.toLowerCase() === host.toLowerCase()
  return parseAuthority(host) !== undefined && said.every(isSame) ? host : undefined
}

const areHttps = (said: readonly string[]): boolean =>
  said.length > 0 && said.every((scheme) => scheme.toLowerCase() === 'https')
