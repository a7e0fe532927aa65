import { hopByHop } from '../decision/field-names.ts'
import { isTargetedCacheField, personalCacheControl } from './cache-control.ts'

/**
 * Builds the field lines to the client from those of the upstream, as a flat list of names and values.
 *
 * @param personal made for the holder of a token: no shared cache may give it to others (CA-2)
 */
export type ResponseHeaders = (
  raw: readonly (Buffer | string)[],
  status: number,
  requestId: string,
  personal: boolean,
) => string[]

/**
 * Hop-by-hop fields and those named by `Connection` are gone (HS-1, HS-2), order and repetition are kept (HS-14), the
 * request id is the gateway's own. Values are read as latin1, so that obs-text stays what it was (HS-15). A `Proxy-Status`
 * of the upstream is end-to-end, and stays (ER-2).
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
  return (raw, status, requestId, personal) => {
    const out: string[] = []
    let connection = ''
    let cache: string | undefined
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const { name, fate } = lineAt(i / 2, raw[i])
      if (fate === 'connection') connection = connection === '' ? text(raw[i + 1]) : `${connection},${text(raw[i + 1])}`
      // No Content-Length on 204 (HS-24); on every other status it is the upstream's word.
      if (fate === 'pass' || (fate === 'length' && status !== 204)) out.push(name, text(raw[i + 1]))
      else if (fate === 'vary') out.push(name, varyOf(text(raw[i + 1])))
      else if (fate === 'targeted' && !personal) out.push(name, text(raw[i + 1]))
      else if (fate === 'cache') {
        const value = text(raw[i + 1])
        if (personal) cache = cache === undefined ? value : `${cache}, ${value}`
        out.push(name, value)
      }
    }
    if (cache !== undefined) {
      const allowed = personalCacheControl(cache)
      if (allowed !== cache) replaceCacheControl(out, allowed)
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

/**
 * Response trailers that may be relayed: never framing, routing, authentication or content fields (H1-18). The upstream
 * is not asked for them: `TE: trailers` needs a connection option of that name (RFC 9110 section 10.1.4, HS-8), and
 * undici sends no `Connection` but its own. What comes unasked goes on.
 */
export const relayableTrailers = (raw: readonly (Buffer | string)[]): [string, string][] => {
  const out: [string, string][] = []
  for (let i = 0; i + 1 < raw.length; i += 2) {
    const name = text(raw[i])
    const lower = name.toLowerCase()
    if (hopByHop.has(lower) || forbiddenTrailers.has(lower) || lower.startsWith('content-')) continue
    if (isTargetedCacheField(lower)) continue
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

type Fate = 'pass' | 'drop' | 'connection' | 'length' | 'vary' | 'cache' | 'targeted'

const judge = (lower: string): Fate => {
  if (lower === 'connection' || lower === 'content-length') return lower === 'connection' ? 'connection' : 'length'
  if (lower === 'vary') return 'vary'
  if (lower === 'cache-control') return 'cache'
  if (isTargetedCacheField(lower)) return 'targeted'
  return hopByHop.has(lower) ? 'drop' : 'pass'
}

/** All lines of the field are one list, and become one line where the first was. */
const replaceCacheControl = (out: string[], value: string): void => {
  let first = -1
  for (let i = out.length - 2; i >= 0; i -= 2) {
    if (out[i]?.toLowerCase() !== 'cache-control') continue
    if (first >= 0) out.splice(first, 2)
    first = i
  }
  out[first + 1] = value
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
