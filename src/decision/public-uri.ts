import { parseAuthority } from './authority.ts'

/**
 * The URI of a request as its client knows it: without query, in the one spelling that {@link normalizeHtu} gives too
 * (DP-7; RFC 3986 sections 6.2.2 and 6.2.3). With an `origin` nothing that the request says of scheme, host and port
 * counts: neither `Host` nor a forwarding field, and a TLS terminator in front changes nothing.
 *
 * @param origin `Resource.origin`: scheme, host and port as configured; undefined: a resource on any host
 * @param seen what is left to go by then: the transport that we believe, and the authority that `admit` let pass
 * @param path the canonical path that was asked for, before anything of it is replaced
 */
export const publicUri = (
  origin: string | undefined,
  seen: { readonly secure: boolean; readonly authority: string },
  path: string,
): string => {
  // Without any authority (HTTP/1.0) there is no absolute URI, and no proof fits.
  const base = origin ?? originOf(seen.secure ? 'https' : 'http', seen.authority) ?? ''
  // `OPTIONS *` is about the server, whose URI has no path (RFC 9110 section 7.1).
  return `${base}${path === '*' ? '/' : normalizePath(path)}`
}

/**
 * The `htu` of a DPoP proof without query and fragment, in the one spelling of {@link publicUri}: scheme and host in
 * lower case, no default port, `/` for an empty path, no escapes of unreserved characters, the others in upper case.
 * Undefined for what is no absolute http(s) URI and for what no client needs: userinfo, dot segments, raw characters
 * that no path may hold.
 */
export const normalizeHtu = (text: string): string | undefined => {
  const [, scheme = '', authority = '', path = ''] = httpUri.exec(text) ?? []
  const origin = originOf(scheme.toLowerCase() === 'https' ? 'https' : 'http', authority)
  if (origin === undefined) return undefined
  const normal = path === '' ? '/' : normalizePath(path)
  // Behind the escapes: `%2e%2e` is a dot segment too.
  return dotSegment.test(normal) ? undefined : `${origin}${normal}`
}

/** What is cut off behind the path may hold whatever is visible: clients do not escape it all. */
const httpUri =
  /^(https?):\/\/([^/?#]+)((?:\/(?:[A-Za-z0-9\-._~!$&'()*+,;=:@]|%[0-9A-Fa-f]{2})*)*)(?:[?#][\x21-\x7e]*)?$/i

const dotSegment = /\/\.{1,2}(?:\/|$)/

/**
 * Scheme, host and port of an http(s) URI in the spelling of {@link publicUri}, or undefined for what is none: what
 * `Resource.origin` is made with.
 */
export const originOfUri = (uri: string): string | undefined => {
  const [, scheme = '', authority = ''] = /^(https?):\/\/([^/?#]+)/i.exec(uri) ?? []
  return originOf(scheme.toLowerCase() === 'https' ? 'https' : 'http', authority)
}

/** Undefined where the authority is not a host with an optional port, userinfo included. */
const originOf = (scheme: 'http' | 'https', authority: string): string | undefined => {
  // An empty port is the default one (RFC 3986 section 6.2.3).
  const [, name = '', port = ''] = /^(\[[^\]]*\]|[^:]*)(?::(\d*))?$/.exec(authority) ?? []
  const host = parseAuthority(name)
  if (host === undefined) return undefined
  const standard = port === '' || port === (scheme === 'https' ? '443' : '80')
  return `${scheme}://${host}${standard ? '' : `:${port}`}`
}

const normalizePath = (path: string): string =>
  path.includes('%')
    ? path.replace(/%([0-9A-Fa-f]{2})/g, (escaped, hex: string) => {
        const character = String.fromCharCode(Number.parseInt(hex, 16))
        return unreserved.test(character) ? character : escaped.toUpperCase()
      })
    : path

const unreserved = /[A-Za-z0-9\-._~]/
