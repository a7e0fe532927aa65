import { hopByHop } from '../decision/field-names.ts'

/** Builds the field lines to the client from those of the upstream, as a flat list of names and values. */
export type ResponseHeaders = (raw: readonly (Buffer | string)[], status: number, requestId: string) => string[]

/**
 * Hop-by-hop fields and those named by `Connection` are gone (HS-1, HS-2), order and repetition are kept (HS-14), the
 * request id is the gateway's own. Values are read as latin1, so that obs-text stays what it was (HS-15).
 */
export const createResponseHeaders = (requestIdHeader: string): ResponseHeaders => {
  const requestIdName = requestIdHeader.toLowerCase()
  // Spelling -> fate; bounded, because an upstream chooses the names.
  const fates = new Map<string, Fate>()
  const fateOf = (name: string): Fate => {
    const known = fates.get(name)
    if (known !== undefined) return known
    const lower = name.toLowerCase()
    const fate = lower === requestIdName ? 'drop' : judge(lower)
    if (fates.size < fatesAtMost && name.length <= 64) fates.set(name, fate)
    return fate
  }
  // An upstream repeats itself: a name is made a string once, and found again by its place, its length and its octets.
  const seen: (Line | undefined)[] = Array.from({ length: placesAtMost * lengthsAtMost })
  const lineAt = (place: number, part: Buffer | string | undefined): Line => {
    const slot = part && place < placesAtMost && part.length < lengthsAtMost ? place * lengthsAtMost + part.length : -1
    const last = seen[slot]
    if (last && part instanceof Buffer && isSame(last.bytes, part)) return last
    const name = text(part)
    const line = { bytes: Buffer.from(name, 'latin1'), name, fate: fateOf(name) }
    if (slot >= 0) seen[slot] = line
    return line
  }
  return (raw, status, requestId) => {
    const out: string[] = []
    let connection = ''
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const { name, fate } = lineAt(i / 2, raw[i])
      if (fate === 'connection') connection = connection === '' ? text(raw[i + 1]) : `${connection},${text(raw[i + 1])}`
      // No Content-Length on 204 (HS-24); on every other status it is the upstream's word.
      if (fate === 'pass' || (fate === 'length' && status !== 204)) out.push(name, text(raw[i + 1]))
      else if (fate === 'vary') out.push(name, varyOf(text(raw[i + 1])))
    }
    if (connection !== '' && connection !== 'keep-alive' && connection !== 'close') strike(out, connection)
    out.push(requestIdHeader, requestId)
    return out
  }
}

const fatesAtMost = 2000
/** Of the names that are remembered: how many to a message, and their octets. */
const placesAtMost = 32
const lengthsAtMost = 64

interface Line {
  readonly bytes: Buffer
  readonly name: string
  readonly fate: Fate
}

/** Of two that are of one length. */
const isSame = (one: Buffer, other: Buffer): boolean => {
  for (let i = 0; i < one.length; i++) if (one[i] !== other[i]) return false
  return true
}

/** Response trailers that may be relayed: never framing, routing, authentication or content fields (H1-18). */
export const relayableTrailers = (raw: readonly (Buffer | string)[]): [string, string][] => {
  const out: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = text(raw[i])
    const lower = name.toLowerCase()
    if (hopByHop.has(lower) || forbiddenTrailers.has(lower) || lower.startsWith('content-')) continue
    out.push([name, text(raw[i + 1])])
  }
  return out
}

const forbiddenTrailers: ReadonlySet<string> = new Set([
  'age',
  'authorization',
  'cache-control',
  'date',
  'expires',
  'host',
  'location',
  'set-cookie',
  'trailer',
  'vary',
  'warning',
  'www-authenticate',
])

type Fate = 'pass' | 'drop' | 'connection' | 'length' | 'vary'

const judge = (lower: string): Fate => {
  if (lower === 'connection' || lower === 'content-length') return lower === 'connection' ? 'connection' : 'length'
  if (lower === 'vary') return 'vary'
  return hopByHop.has(lower) ? 'drop' : 'pass'
}

/**
 * A client never sent the field that its certificate came in, so a cache on the way would give everybody the same
 * answer: one that depends on it is for no cache (RFC 9440 section 2.4, MT-6).
 */
const varyOf = (value: string): string => (namesCertificate.test(value) ? '*' : value)

const namesCertificate = /(?:^|,)[ \t]*(?:x-forwarded-)?client-cert(?:-chain)?[ \t]*(?:,|$)/i

/** Removes what the upstream's `Connection` names; never the fields that frame the message. */
const strike = (out: string[], connection: string): void => {
  const named = new Set(
    connection
      .split(',')
      .map((name) => name.trim().toLowerCase())
      .filter((name) => name !== '' && name !== 'close' && name !== 'keep-alive' && name !== 'content-length'),
  )
  if (named.size === 0) return
  for (let i = out.length - 2; i >= 0; i -= 2) if (named.has(out[i]?.toLowerCase() ?? '')) out.splice(i, 2)
}

const text = (part: Buffer | string | undefined): string =>
  part === undefined ? '' : typeof part === 'string' ? part : part.toString('latin1')
