/**
 * `Cache-Control` of an answer that was made for the holder of a token, for a cache that others share. What would let
 * such a cache give it to others (RFC 9111 section 3.5: `public`, `s-maxage`, `must-revalidate`) becomes `private`, also
 * where it is only written so that some cache might read it there; all else is kept, in its order (CA-2).
 *
 * @param lines the values of all lines of the field, joined in order
 * @returns `lines` itself where nothing has to change
 */
export const personalCacheControl = (lines: string): string => {
  if (!sharing.test(lines)) return lines
  const directives = directivesOf(lines)
  // Everybody reads a quote that does not close in another way.
  if (directives === undefined) return 'no-store'
  const kept = directives.filter(({ name }) => name !== 'public' && name !== 's-maxage')
  if (!isShielded(kept)) return [...kept.map(({ text }) => text), 'private'].join(', ')
  return kept.length === directives.length ? lines : kept.map(({ text }) => text).join(', ')
}

/**
 * `Cache-Control` of a request that has lost its credential on the way, and with it what tells a cache behind the
 * gateway that the answer is for one client alone (CA-3): nothing is stored, and nothing stored is asked for.
 *
 * @param lines what the client sent, joined in order; `''`: nothing
 */
export const unstoredCacheControl = (lines: string): string => {
  if (lines === '') return 'no-store'
  const kept = (directivesOf(lines) ?? []).filter(({ name }) => !wantsStored.has(name))
  return ['no-store', ...kept.map(({ text }) => text)].join(', ')
}

/** RFC 9213 section 2, and what caches had before it: each counts more than `Cache-Control` to the cache it is for. */
export const isTargetedCacheField = (lowerName: string): boolean =>
  lowerName.endsWith('-cache-control') || targeted.has(lowerName)

const targeted: ReadonlySet<string> = new Set(['edge-control', 'surrogate-control', 'x-accel-expires'])

const sharing = /public|s-maxage|must-revalidate/i

const wantsStored: ReadonlySet<string> = new Set(['max-stale', 'no-store', 'only-if-cached', 'stale-if-error'])

interface Directive {
  /** Lower case; what stands in front of the first character that no token has. */
  readonly name: string
  readonly text: string
}

/** No shared cache keeps it. With an argument `private` is about single fields, and `must-understand` ends `no-store`. */
const isShielded = (directives: readonly Directive[]): boolean =>
  directives.some(({ text }) => text.toLowerCase() === 'private') ||
  (directives.some(({ text }) => text.toLowerCase() === 'no-store') &&
    !directives.some(({ name }) => name === 'must-understand'))

/** The members of a list, without those that are empty; undefined: a quoted string does not end. */
const directivesOf = (list: string): readonly Directive[] | undefined => {
  if (!closesQuotes.test(list)) return undefined
  return [...list.matchAll(members)]
    .map(([text]) => text.trim())
    .filter((text) => text !== '')
    .map((text) => ({ name: (leadingToken.exec(text)?.[0] ?? '').toLowerCase(), text }))
}

const closesQuotes = /^(?:[^"]|"(?:[^"\\]|\\.)*")*$/
const members = /(?:[^",]|"(?:[^"\\]|\\.)*")+/g
const leadingToken = /^[A-Za-z0-9!#$%&'*+.^_`|~-]+/
