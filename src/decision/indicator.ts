/**
 * What a resource indicator may be (RFC 8707 section 2). Works on the string as written: a URL object would add a
 * slash, lower the host, drop a port and hide an empty fragment (RI-2, RI-4).
 */

/** Why the text is no resource indicator, or undefined when it is one. */
export const checkIndicator = (text: string): string | undefined => {
  if (text === '') return 'a resource indicator must not be empty'
  if (text.includes('#'))
    return 'a resource indicator must not have a fragment, not even an empty one (RFC 8707 section 2)'
  const scheme = /^([A-Za-z][A-Za-z0-9+.-]*):(.*)$/s.exec(text)
  if (!scheme)
    return 'a resource indicator must be an absolute URI such as https://api.example.com/orders (RFC 8707 section 2)'
  const [, name = '', rest = ''] = scheme
  if (/^\d+(?:\/|$)/.test(rest)) return 'this is a host and a port, not an absolute URI: begin with https://'
  if (!uriCharacters.test(rest)) return 'a resource indicator holds a character that no URI may hold'
  if (rest === '') return 'a resource indicator must name something after the scheme'
  return isHttp(name) ? checkHttp(rest) : undefined
}

/** What is legal but bears watching: a query (RI-3), a bare origin (RI-7). */
export const indicatorWarnings = (text: string): readonly string[] => {
  const warnings: string[] = []
  if (text.includes('?')) {
    warnings.push(
      'a resource indicator should not have a query component; it belongs to the audience and is compared too',
    )
  }
  const origin = /^https?:\/\/[^/?]+(\/?)$/i.exec(text)
  if (origin) {
    const twin = origin[1] === '/' ? text.slice(0, -1) : `${text}/`
    warnings.push(`\`${twin}\` is another audience; if clients send it too, list it in \`accept_audiences\``)
  }
  return warnings
}

/** Whether the indicator is an http(s) URL, and so has a place and an RFC 9728 document of its own. */
export const isHttpIndicator = (text: string): boolean => /^https?:\/\//i.test(text)

const uriCharacters = /^(?:[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=]|%[0-9A-Fa-f]{2})*$/

const isHttp = (scheme: string): boolean => /^https?$/i.test(scheme)

const checkHttp = (rest: string): string | undefined => {
  const authority = /^\/\/([^/?]*)/.exec(rest)?.[1]
  if (authority === undefined || authority === '') return 'an http(s) resource indicator must name a host'
  if (authority.includes('@')) return 'a resource indicator must not hold userinfo'
  return undefined
}
