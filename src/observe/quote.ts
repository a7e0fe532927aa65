/** What JSON or a terminal could take for more than itself: all but printable ASCII, and `"` and `\`. */
const special = /[^\x20\x21\x23-\x5b\x5d-\x7e]/

/** As `special`, or the beginning of a base64url-encoded JSON object (`{"`, or `{` and white space). */
const suspect = /[^\x20\x21\x23-\x5b\x5d-\x7e]|e(?:y[A-CIJ]|w[ko0])/
const tokenStart = /e(?:y[A-CIJ]|w[ko0])[\w-]{6}/
/** What a token would lie in. Whole runs, so that a text of beginnings without an end costs no more than its length. */
const run = /[\w-]+(?:\.[\w.-]*)?/g

/**
 * A string of unknown origin as a JSON string of at most `limit` characters between its quotes, in printable ASCII
 * only: no control character, line separator, bidirectional override or lone surrogate can break or fake a line, in any
 * reader (attacks on logs; lone surrogates make strict JSON readers drop the line). What has the shape of a token is
 * left out (BR-26); an opaque token has no shape and is not recognised.
 */
export const quote = (text: string, limit: number): string => `"${inQuotes(text, limit)}"`

/** What {@link quote} puts between its quotes. A line that has them in its own text is joined of half as many pieces. */
export const inQuotes = (text: string, limit: number): string => {
  if (text.length <= limit && !suspect.test(text)) return text
  return escapeText(withoutTokens(text.length > limit ? text.slice(0, limit) : text), text.length > limit, limit)
}

/** The text with everything that has the shape of a JWS or JWE replaced, a cut one too. */
export const withoutTokens = (text: string): string => text.replace(run, withoutToken)

const withoutToken = (found: string): string => {
  const dot = found.indexOf('.')
  const start = dot < 0 ? -1 : found.slice(0, dot).search(tokenStart)
  return start < 0 ? found : `${found.slice(0, start)}[token]`
}

/**
 * A finished line of JSON in printable ASCII, tokens left out: for the lines that pino itself has written. Its escapes
 * are taken whole, so that no token is seen to begin inside one; it escapes a surrogate only when that stands alone.
 */
export const asciiLine = (line: string): string =>
  line
    .replace(escapeOrRun, (found) => {
      if (!found.startsWith('\\')) return withoutToken(found)
      return loneSurrogate.test(found) ? '\\ufffd' : found
    })
    .replace(/[^\x20-\x7e\n]/g, escapeUnit)

const escapeOrRun = new RegExp(`\\\\(?:u[0-9a-fA-F]{4}|.)|${run.source}`, 'g')
const loneSurrogate = /^\\u[dD][89a-fA-F]/

const CUT = '\\u2026'

const escapeText = (text: string, cut: boolean, limit: number): string => {
  let escaped = ''
  for (const character of text.toWellFormed()) {
    const next = special.test(character) ? escapeCharacter(character) : character
    if (escaped.length + next.length > limit) return escaped + CUT
    escaped += next
  }
  return cut ? escaped + CUT : escaped
}

const escapeCharacter = (character: string): string => {
  if (character === '"' || character === '\\') return `\\${character}`
  let escaped = ''
  for (let unit = 0; unit < character.length; unit++) escaped += escapeUnit(character.charAt(unit))
  return escaped
}

const escapeUnit = (unit: string): string => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`
