import { createHash } from 'node:crypto'
import type { Refusal } from '../decision/refusal.ts'
import type { Exchange } from './exchange.ts'

/** What a client asked for, as far as the answer must fit it. */
export interface Handshake {
  readonly key: string
  readonly version: string
  /** The subprotocols it offers. */
  readonly protocols: readonly string[]
}

/**
 * Reads what RFC 6455 section 4.2.1 asks of a handshake. A version that we do not know is for the upstream to refuse
 * (WS-5).
 *
 * @param origins values of `Origin` that may open a tunnel; a request without the field is no browser's (WS-8)
 * @returns the handshake, or `request_malformed` (WS-4), or `route_denied`
 */
export const readHandshake = (raw: readonly string[], origins: readonly string[] | undefined): Handshake | Refusal => {
  const keys = valuesOf(raw, 'sec-websocket-key')
  const versions = valuesOf(raw, 'sec-websocket-version')
  const [key = ''] = keys
  const [version = ''] = versions
  if (keys.length !== 1 || !sixteenOctets.test(key)) return malformed('Sec-WebSocket-Key is not one of 16 octets')
  if (versions.length !== 1 || !/^\d+$/.test(version)) return malformed('Sec-WebSocket-Version is not one number')
  const sent = origins ? valuesOf(raw, 'origin') : []
  const [origin = ''] = sent
  if (origins && sent.length > 0 && (sent.length > 1 || !origins.includes(origin))) {
    const got = sent.length > 1 ? 'more than one' : origin.slice(0, quoted)
    return { reason: 'route_denied', fault: `origin: expected one of websocket.origins, got ${got}` }
  }
  return { key, version, protocols: listOf(raw, 'sec-websocket-protocol') }
}

/** A handshake has no content (WS-4). One that has some is no upgrade to Node either, but an ordinary request. */
export const contentFault = ({ request, hasBody, nominated }: Exchange): Refusal | undefined =>
  hasBody &&
  nominated?.has('upgrade') &&
  request.method === 'GET' &&
  listOf(request.rawHeaders, 'upgrade').some((name) => name.toLowerCase() === 'websocket')
    ? malformed('a WebSocket handshake with content')
    : undefined

/**
 * Whether a 101 is the one that was asked for: its own protocol, our key answered, no subprotocol of its own making
 * (WS-6, RFC 6455 section 4.1).
 *
 * @returns what is wrong with it; undefined: it opens the tunnel
 */
export const answerFault = (raw: readonly string[], { key, version, protocols }: Handshake): string | undefined => {
  const upgrades = valuesOf(raw, 'upgrade')
  const accepts = valuesOf(raw, 'sec-websocket-accept')
  const chosen = valuesOf(raw, 'sec-websocket-protocol')
  if (version !== '13') return 'upgrade: a 101 to a version that is not 13'
  if (upgrades.length !== 1 || upgrades[0]?.toLowerCase() !== 'websocket') return 'upgrade: a 101 to something else'
  const connections = valuesOf(raw, 'connection')
  if (connections.length !== 1 || !listOf(raw, 'connection').some((name) => name.toLowerCase() === 'upgrade')) {
    return 'upgrade: a 101 without the right Connection'
  }
  if (accepts.length !== 1 || accepts[0] !== acceptOf(key))
    return 'upgrade: a 101 without the right Sec-WebSocket-Accept'
  if (chosen.length > 1 || !chosen.every((name) => protocols.includes(name))) {
    return 'upgrade: a 101 with a subprotocol that was not offered'
  }
  return undefined
}

const acceptOf = (key: string): string =>
  createHash('sha1')
    .update(key + guid)
    .digest('base64')

/** RFC 6455 section 1.3. */
const guid = '258EAFA5-E914-47DA-95CA-C5AB0DC85B11'

const sixteenOctets = /^[A-Za-z0-9+/]{22}==$/

/** Characters of a stranger's value that a refusal shows. */
const quoted = 100

const malformed = (fault: string): Refusal => ({ reason: 'request_malformed', fault })

/** @param wanted in lower case */
const valuesOf = (raw: readonly string[], wanted: string): readonly string[] =>
  raw.filter((_, i) => i % 2 === 1 && raw[i - 1]?.toLowerCase() === wanted)

const listOf = (raw: readonly string[], wanted: string): readonly string[] =>
  valuesOf(raw, wanted)
    .flatMap((value) => value.split(','))
    .map((item) => item.trim())
