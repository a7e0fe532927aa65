import { parseAuthority } from '../decision/authority.ts'
import type { Refusal } from '../decision/refusal.ts'
import { codingFault, malformed } from './framing-fault.ts'
import { slotOf } from './head-slot.ts'

/** What the gateway itself reads of a request head. Raw field lines are seen one by one, never joined (BR-5, H1-1). */
export interface Head {
  /** The `Host` value; undefined: none, which HTTP/1.0 may do. */
  readonly host: string | undefined
  readonly authorization: readonly string[]
  /** The `DPoP` field lines, two at most (DP-1). */
  readonly proofs: readonly string[]
  /** Lower-case names that `Connection` nominates (HS-1); undefined: none. */
  readonly nominated: ReadonlySet<string> | undefined
  readonly hasBody: boolean
  /** Declared content length; undefined: chunked, or none. */
  readonly contentLength: number | undefined
  /** Raw `Via` values, joined in order. */
  readonly via: string
  readonly requestId: string | undefined
  /** What the client would rather speak, values joined in order; `''`: nothing. Counts only with `Connection: upgrade`. */
  readonly upgrade: string
  /** The `traceparent` field lines, two at most (TC-3). */
  readonly traceparent: readonly string[]
  /** Raw `tracestate` values, joined in order; `''`: none. */
  readonly tracestate: string
  /** A front proxy got it before its TLS handshake was over (RFC 8470 section 5.1). */
  readonly earlyData: boolean
  /** Raw value (RFC 9110 section 7.6.2); undefined: none. */
  readonly maxForwards: string | undefined
  readonly forwarded: ForwardedFields
}

/** Forwarding fields as sent; believed of trusted proxies only. Several lines are joined in order (RFC 9110 5.3). */
export interface ForwardedFields {
  readonly for: string
  readonly proto: string
  readonly host: string
  readonly forwarded: string
  /** Lines of `Client-Cert` (RFC 9440), two at most. */
  readonly clientCert: readonly string[]
  /** Lines of `X-Forwarded-Client-Cert`, two at most. */
  readonly forwardedClientCert: readonly string[]
}

export interface HeadLimits {
  /** Bytes of all field lines; 0 = no limit. */
  readonly headerSize: number
  /** Declared content; 0 = no limit. */
  readonly bodySize: number
}

/**
 * Judges the framing of a request from its head alone, before anything is sent anywhere: what Node's parser lets
 * through and should not (standards.md section 21). Returns the head, or the refusal.
 *
 * @param protectedNames lower-case names that a client must not nominate in `Connection` (HS-3)
 */
export const readHead = (
  message: {
    readonly rawHeaders: readonly string[]
    readonly httpVersionMajor: number
    readonly httpVersionMinor: number
  },
  limits: HeadLimits,
  requestIdName: string,
  protectedNames: ReadonlySet<string>,
): Head | Refusal => {
  const { rawHeaders: raw, httpVersionMajor: major, httpVersionMinor: minor } = message
  if (major !== 1) return { reason: 'version_unsupported' }
  let size = 0
  let hosts = 0
  let host: string | undefined
  let authorization: readonly string[] = none
  let proofs: readonly string[] = none
  let connection = ''
  let coding: string | undefined
  let codings = 0
  let length: number | undefined
  let via = ''
  let requestId: string | undefined
  let upgrade = ''
  let traceparent: readonly string[] = none
  let tracestate = ''
  let earlyData = false
  let maxForwards: string | undefined
  let forwarded = nothing
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const value = raw[i + 1] ?? ''
    size += name.length + value.length + 4
    switch (slotOf(name)) {
      case 'host':
        hosts++
        host ??= value
        break
      case 'authorization':
        authorization = authorization === none ? [value] : [...authorization, value]
        break
      case 'dpop':
        proofs = firstTwo(proofs, value)
        break
      case 'connection':
        connection = join(connection, value)
        break
      case 'transfer-encoding':
        coding = value
        codings++
        break
      case 'content-length':
        length = Number(value)
        break
      case 'via':
        via = join(via, value)
        break
      case 'upgrade':
        upgrade = join(upgrade, value)
        break
      case 'traceparent':
        traceparent = firstTwo(traceparent, value)
        break
      case 'tracestate':
        tracestate = join(tracestate, value)
        break
      case 'early-data':
        earlyData = true
        break
      case 'max-forwards':
        maxForwards = join(maxForwards ?? '', value)
        break
      case 'x-forwarded-for':
        forwarded = { ...forwarded, for: join(forwarded.for, value) }
        break
      case 'x-forwarded-proto':
        forwarded = { ...forwarded, proto: join(forwarded.proto, value) }
        break
      case 'x-forwarded-host':
        forwarded = { ...forwarded, host: join(forwarded.host, value) }
        break
      case 'forwarded':
        forwarded = { ...forwarded, forwarded: join(forwarded.forwarded, value) }
        break
      case 'client-cert':
        forwarded = { ...forwarded, clientCert: firstTwo(forwarded.clientCert, value) }
        break
      case 'x-forwarded-client-cert':
        forwarded = {
          ...forwarded,
          forwardedClientCert: firstTwo(forwarded.forwardedClientCert, value),
        }
        break
      case undefined:
        if (name.length === requestIdName.length && name.toLowerCase() === requestIdName) requestId = value
    }
  }
  // 2,000 field lines is where Node stops counting: what lies beyond might be a length or a credential (H1-24).
  if ((limits.headerSize > 0 && size > limits.headerSize) || raw.length >= 4000) return tooLarge(raw, limits.headerSize)
  if (hosts > 1) return malformed('more than one Host line')
  if (host === undefined && minor > 0) return malformed('no Host')
  if (host !== undefined && parseAuthority(host) === undefined)
    return malformed('Host is not a host with an optional port')
  const fault = codingFault(coding, codings, length, minor)
  if (fault) return fault
  // Beyond this a length is another number to every reader (RFC 9110 section 8.6: precision loss, H1-11).
  if (length !== undefined && !Number.isSafeInteger(length))
    return malformed('Content-Length is no number to count with')
  if (limits.bodySize > 0 && length !== undefined && length > limits.bodySize) {
    return { reason: 'body_too_large', limit: limits.bodySize }
  }
  const nominated = connection === '' ? undefined : nominations(connection)
  if (nominated) {
    for (const name of nominated) {
      if (protectedNames.has(name) || neverHopByHop.test(name)) {
        return malformed('Connection names a field that is not hop-by-hop')
      }
    }
  }
  const hasBody = coding !== undefined || (length !== undefined && length > 0)
  return {
    host,
    authorization,
    proofs,
    nominated,
    hasBody,
    contentLength: length,
    via,
    requestId,
    upgrade,
    traceparent,
    tracestate,
    earlyData,
    maxForwards,
    forwarded,
  }
}

/**
 * Lower-case names that no client may nominate in `Connection`.
 *
 * @param owned what only the gateway may set: identity fields, the request id
 */
export const protectedNames = (owned: Iterable<string>): ReadonlySet<string> =>
  new Set([...endToEnd, ...[...owned].map((name) => name.toLowerCase())])

/** Fields that are end-to-end whatever `Connection` says: nominating them would delete what a decision rests on. */
const endToEnd: readonly string[] = [
  'authorization',
  'cache-control',
  'cookie',
  'dpop',
  'forwarded',
  'host',
  'transfer-encoding',
  'via',
]

/** Nor what says what the content is, where the request came from, or was a pseudo-header in HTTP/2. */
const neverHopByHop = /^(?::|content-|x-forwarded-)/

const none: readonly string[] = []

/** Of fields that may come once only: the second line says all that a hundred would. */
const firstTwo = (lines: readonly string[], value: string): readonly string[] =>
  lines.length < 2 ? [...lines, value] : lines
const nothing: ForwardedFields = {
  for: '',
  proto: '',
  host: '',
  forwarded: '',
  clientCert: none,
  forwardedClientCert: none,
}

const join = (list: string, value: string): string => (list === '' ? value : `${list}, ${value}`)

/** Names the field when it is one alone, for the operator; never its value (RFC 6585 section 5). */
const tooLarge = (raw: readonly string[], limit: number): Refusal => {
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = raw[i] ?? ''
    const alone = limit > 0 && name.length + (raw[i + 1] ?? '').length + 4 > limit
    if (alone && name.length <= 64) return { reason: 'header_too_large', limit, field: name.toLowerCase() }
  }
  return { reason: 'header_too_large', limit }
}

const plainConnection = /^(?:keep-alive|close)$/i

const nominations = (connection: string): ReadonlySet<string> | undefined => {
  if (plainConnection.test(connection)) return undefined
  const names = connection
    .split(',')
    .map((name) => name.trim().toLowerCase())
    .filter((name) => name !== '')
  return new Set(names)
}
