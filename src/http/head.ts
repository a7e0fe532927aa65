import { parseAuthority } from '../decision/authority.ts'
import type { Refusal } from '../decision/refusal.ts'

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
  if ((limits.headerSize > 0 && size > limits.headerSize) || raw.length >= 4000) {
    return { reason: 'header_too_large', limit: limits.headerSize }
  }
  if (hosts > 1) return malformed('more than one Host line')
  if (host === undefined && minor > 0) return malformed('no Host')
  if (host !== undefined && parseAuthority(host) === undefined)
    return malformed('Host is not a host with an optional port')
  const fault = codingFault(coding, codings, length, minor)
  if (fault) return fault
  if (limits.bodySize > 0 && length !== undefined && length > limits.bodySize) {
    return { reason: 'body_too_large', limit: limits.bodySize }
  }
  const nominated = connection === '' ? undefined : nominations(connection)
  if (nominated) {
    for (const name of nominated) {
      if (protectedNames.has(name) || name.startsWith('x-forwarded-')) {
        return malformed('Connection names a field that is not hop-by-hop')
      }
    }
  }
  const hasBody = coding !== undefined || (length !== undefined && length > 0)
  return { host, authorization, proofs, nominated, hasBody, contentLength: length, via, requestId, forwarded }
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
  'content-length',
  'content-type',
  'cookie',
  'dpop',
  'forwarded',
  'host',
  'via',
]

type Slot =
  | 'host'
  | 'authorization'
  | 'connection'
  | 'transfer-encoding'
  | 'content-length'
  | 'via'
  | 'x-forwarded-for'
  | 'x-forwarded-proto'
  | 'x-forwarded-host'
  | 'forwarded'
  | 'dpop'
  | 'client-cert'
  | 'x-forwarded-client-cert'

const slots = [
  'host',
  'authorization',
  'connection',
  'transfer-encoding',
  'content-length',
  'via',
  'x-forwarded-for',
  'x-forwarded-proto',
  'x-forwarded-host',
  'forwarded',
  'dpop',
  'client-cert',
  'x-forwarded-client-cert',
] as const satisfies readonly Slot[]

/** By length: that and the first letter tell most names from all of these, and nothing needs to be lowered. */
const slotsByLength: readonly (readonly Slot[])[] = Array.from({ length: 24 }, (_, length) =>
  slots.filter((slot) => slot.length === length),
)

const slotOf = (name: string): Slot | undefined => {
  const candidates = slotsByLength[name.length]
  if (!candidates) return undefined
  const first = name.charCodeAt(0) | 0x20
  for (const slot of candidates) {
    if (slot.charCodeAt(0) === first && name.toLowerCase() === slot) return slot
  }
  return undefined
}

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

const malformed = (fault: string): Refusal => ({ reason: 'request_malformed', fault })

/** H1-7 … H1-10: `chunked` alone, in HTTP/1.1 only, and never beside a length. */
const codingFault = (
  coding: string | undefined,
  lines: number,
  length: number | undefined,
  minor: number,
): Refusal | undefined => {
  if (coding === undefined) return undefined
  if (minor === 0) return malformed('Transfer-Encoding in HTTP/1.0')
  if (length !== undefined) return malformed('Transfer-Encoding beside Content-Length')
  if (lines > 1) return malformed('more than one Transfer-Encoding line')
  const list = coding.split(',').map((item) => item.trim().toLowerCase())
  if (list.at(-1) !== 'chunked') return malformed('the last transfer coding is not chunked')
  if (list.length === 1) return undefined
  const others = list.slice(0, -1)
  return others.every((item) => /^[a-z0-9!#$%&'*+.^_`|~-]+$/.test(item) && item !== 'chunked' && item !== 'identity')
    ? { reason: 'coding_not_implemented' }
    : malformed('an unknown list of transfer codings')
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
