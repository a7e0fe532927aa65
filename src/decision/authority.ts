const lettersDigitsHyphens = /^[a-z0-9_](?:[a-z0-9_.-]*[a-z0-9_])?$/
const ipv4 = /^(?:(?:25[0-5]|2[0-4]\d|1\d\d|[1-9]?\d)(?:\.|$)){4}$/
const ipv6 = /^\[[0-9a-f:.]{2,45}\]$/
const port = /^:\d{1,5}$/

/**
 * The host of `uri-host [":" port]` in its one canonical form: ASCII lower case, no port, no trailing dot, IPv6 in
 * brackets. Undefined for everything else: userinfo, lists, spaces, percent-encoding, U-labels, IPv4 in odd spellings
 * (H1-1, UR-17, UR-18). Two IPv6 spellings of one address stay two hosts.
 */
export const parseAuthority = (authority: string): string | undefined => {
  const split = authority.startsWith('[') ? authority.indexOf(']') + 1 : authority.indexOf(':')
  const end = split < 0 ? authority.length : split
  if (end < authority.length && !port.test(authority.slice(end))) return undefined
  const host = authority.slice(0, end).toLowerCase()
  if (host.startsWith('[')) return ipv6.test(host) ? host : undefined
  const name = host.endsWith('.') ? host.slice(0, -1) : host
  if (name.length > 253 || name.includes('..') || !lettersDigitsHyphens.test(name)) return undefined
  return endsInNumber(name) && !ipv4.test(name) ? undefined : name
}

/** A name whose last label is a number is an IPv4 address to many resolvers, in whatever spelling (UR-18). */
const endsInNumber = (name: string): boolean => /^(?:\d+|0x[0-9a-f]*)$/.test(name.slice(name.lastIndexOf('.') + 1))
