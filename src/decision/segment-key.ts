/**
 * What a path segment is looked up under, so that no other spelling of a name falls to a weaker rule. What is forwarded
 * stays as it was sent.
 *
 * - Parameters behind `;` are cut off, as upstreams that know them do: a rule on `/admin` catches `/admin;x` (UR-10).
 * - Octets that a segment may hold plainly (`:`, `@`, sub-delims) are taken plainly, for most frameworks decode them
 *   before they route: a rule on `/items:purge` catches `/items%3Apurge`. Unreserved ones are never encoded here (UR-12).
 * - Hex digits of either case mean one octet.
 */
export const segmentKey = (segment: string): string => {
  const spelled = segment.includes('%') ? segment.replace(encoded, plainly) : segment
  const cut = spelled.indexOf(';')
  return cut < 0 ? spelled : spelled.slice(0, cut)
}

const encoded = /%[0-9a-fA-F]{2}/g

const plainly = (octet: string): string => {
  const char = String.fromCharCode(Number.parseInt(octet.slice(1), 16))
  return "!$&'()*+,;=:@".includes(char) ? char : octet.toUpperCase()
}
