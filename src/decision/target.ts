import { type Outcome, pass, refuse } from './refusal.ts'

/** A request target, parsed once. What is matched, authorised, logged and forwarded are these very strings. */
export interface Target {
  /** Canonical path, or `*` for `OPTIONS *`. */
  readonly path: string
  /** `''`, or `?` and what follows, byte for byte. Takes no part in any decision on the path (UR-15). */
  readonly query: string
  /** Authority of an absolute-form target, as sent; it replaces `Host` (H1-2). */
  readonly authority: string | undefined
  /** Holds `%2F`: only a resource with `paths.encoded_slashes: pass` takes it (UR-5). */
  readonly encodedSlash: boolean
  /** Holds `;`: only a resource with `paths.parameters: pass` takes it (UR-10). */
  readonly parameters: boolean
}

/**
 * Parses a request target and refuses everything that is not canonical already (standards.md section 13): nothing is
 * repaired, so no two readers can see two paths.
 *
 * @param raw the target as it stood on the request line
 * @param limit bytes; 0 = no limit
 */
export const parseTarget = (method: string, raw: string, limit: number): Outcome<Target> => {
  if (limit > 0 && raw.length > limit) return refuse({ reason: 'target_too_long', limit })
  if (raw === '*') return method === 'OPTIONS' ? pass(asterisk) : malformed('`*` is for OPTIONS only')
  if (raw.charCodeAt(0) === slash) return parseOrigin(raw, undefined)
  const scheme = /^https?:\/\//i.exec(raw)
  if (!scheme) return malformed('neither a path nor an http(s) URI')
  const start = scheme[0].length
  const tail = raw.slice(start).search(/[/?#]/)
  const authority = tail < 0 ? raw.slice(start) : raw.slice(start, start + tail)
  const rest = tail < 0 ? '' : raw.slice(start + tail)
  if (authority === '') return malformed('an absolute URI without an authority')
  return parseOrigin(rest.startsWith('/') ? rest : `/${rest}`, authority)
}

/** Why a path is not canonical, or undefined when it is. For what the config writes: prefixes, base paths, literals. */
export const pathFault = (
  path: string,
  policy: { readonly encodedSlashes: boolean; readonly parameters: boolean },
): string | undefined => {
  if (path.charCodeAt(0) !== slash) return 'does not start with `/`'
  if (/[?#]/.test(path)) return 'holds `?` or `#`'
  const parsed = parseOrigin(path, undefined)
  if (!parsed.ok) return parsed.refusal.reason === 'target_malformed' ? parsed.refusal.fault : parsed.refusal.reason
  if (parsed.value.encodedSlash && !policy.encodedSlashes) return faults.encodedSlash
  if (parsed.value.parameters && !policy.parameters) return faults.parameters
  return undefined
}

/** The refusal of a target that needs a relaxation which its resource does not have. */
export const relaxationFault = (target: Target): string =>
  target.encodedSlash ? faults.encodedSlash : faults.parameters

const faults = {
  encodedSlash: 'encoded slash `%2F` (see `paths.encoded_slashes`)',
  parameters: '`;` in a segment (see `paths.parameters`)',
}

const slash = 0x2f
const asterisk: Target = { path: '*', query: '', authority: undefined, encodedSlash: false, parameters: false }

const malformed = (fault: string) => refuse({ reason: 'target_malformed', fault })

// What one octet of a path may be: 0 not a pchar, 1 pchar, then those that need a second look.
const plain = 1
const separator = 2
const percent = 3
const semicolon = 4
const question = 5
const kinds = new Uint8Array(256)
for (const char of "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-._~!$&'()*+,=:@")
  kinds[char.charCodeAt(0)] = plain
kinds[slash] = separator
kinds[0x25] = percent
kinds[0x3b] = semicolon
kinds[0x3f] = question

const parseOrigin = (raw: string, authority: string | undefined): Outcome<Target> => {
  let end = raw.length
  let piece = 1 // start of the current segment, or of its part behind an encoded slash
  let encodedSlash = false
  let parameters = false
  let octets = false
  for (let i = 1; i < end; i++) {
    const code = raw.charCodeAt(i)
    switch (code < 256 ? kinds[code] : 0) {
      case plain:
        break
      case separator: {
        if (isHole(raw, piece, i)) return malformed(holeFault(raw, piece, i))
        piece = i + 1
        break
      }
      case question:
        end = i
        break
      case semicolon:
        // `..;`, `.x;` and `;` alone: some upstreams cut the parameters first and see a dot segment (UR-10).
        if (i === piece || raw.charCodeAt(piece) === 0x2e) return malformed('dot or nothing before `;` in a segment')
        parameters = true
        break
      case percent: {
        const octet = octetAt(raw, i)
        if (octet < 0) return malformed('`%` without two hex digits')
        if (octet === 0x3b) {
          // `%3B`: an upstream that decodes first reads a parameter.
          if (i === piece || raw.charCodeAt(piece) === 0x2e) return malformed('dot or nothing before `;` in a segment')
          parameters = true
        } else if (octet === slash) {
          encodedSlash = true
          if (isHole(raw, piece, i)) return malformed(holeFault(raw, piece, i))
          piece = i + 3
        } else {
          const fault = octetFault(raw, i, octet)
          if (fault !== undefined) return malformed(fault)
          if (octet >= 0x80) octets = true
        }
        i += 2
        break
      }
      default:
        return malformed(code === 0x23 ? '`#` in the target' : 'an octet that no path may hold')
    }
  }
  // A trailing slash is canonical: the last segment, and no other, may be empty.
  const emptyTail = end === piece && raw.charCodeAt(piece - 1) === slash
  if (!emptyTail && isHole(raw, piece, end)) return malformed(holeFault(raw, piece, end))
  const path = end === raw.length ? raw : raw.slice(0, end)
  if (octets && !isUtf8(path)) return malformed('percent-encoded octets that are not UTF-8')
  const query = end === raw.length ? '' : raw.slice(end)
  if (query !== '' && /[^\x21\x22\x24-\x7e]/.test(query)) {
    return malformed('`#`, white space or a control character in the query')
  }
  return pass({ path, query, authority, encodedSlash, parameters })
}

/** Empty, `.` or `..`. */
const isHole = (raw: string, start: number, end: number): boolean =>
  end - start <= 2 &&
  (end === start || (raw.charCodeAt(start) === 0x2e && (end - start === 1 || raw.charCodeAt(start + 1) === 0x2e)))

const holeFault = (raw: string, start: number, end: number): string =>
  start === end || raw.charCodeAt(start) !== 0x2e ? 'empty segment (`//`)' : 'dot segment'

const hexDigit = (code: number): number => {
  if (code >= 0x30 && code <= 0x39) return code - 0x30
  const letter = code | 0x20
  return letter >= 0x61 && letter <= 0x66 ? letter - 0x57 : -1
}

/** The octet that `%XX` at `index` stands for, or -1. Beyond the end there are no digits. */
const octetAt = (raw: string, index: number): number => {
  const high = hexDigit(raw.charCodeAt(index + 1))
  const low = hexDigit(raw.charCodeAt(index + 2))
  return high < 0 || low < 0 ? -1 : high * 16 + low
}

const octetFault = (raw: string, index: number, octet: number): string | undefined => {
  if (octet < 0x20 || octet === 0x7f) return 'percent-encoded control character'
  if (octet === 0x5c) return 'encoded backslash'
  if (octet === 0x25 && octetAt(raw, index + 2) >= 0) return 'percent-encoded twice'
  if (octet < 0x80 && isUnreserved(octet)) return 'percent-encoded unreserved character'
  return undefined
}

const isUnreserved = (octet: number): boolean => /[A-Za-z0-9._~-]/.test(String.fromCharCode(octet))

const isUtf8 = (path: string): boolean => {
  try {
    decodeURIComponent(path)
    return true
  } catch {
    return false
  }
}
