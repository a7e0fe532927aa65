import { BlockList, isIPv4, isIPv6 } from 'node:net'
import { parseAuthority } from '../decision/authority.ts'

/** An http(s) URL taken apart as written; nothing is resolved or decoded. */
export interface WebUrl {
  readonly scheme: 'http' | 'https'
  /** Lower case, IPv6 in brackets. */
  readonly host: string
  /** Undefined: the scheme's own. */
  readonly port: number | undefined
  /** `''` or from a `/` on. */
  readonly path: string
  readonly query: boolean
}

/** Reads an http(s) URL; refuses userinfo, fragments, port 0 and hosts in odd spellings. Messages quote nothing. */
export const parseWebUrl = (
  text: string,
): { readonly ok: true; readonly url: WebUrl } | { readonly ok: false; readonly fault: string } => {
  const parts = /^(https?):\/\/([^/?#]*)([^?#]*)(\?[^#]*)?(#.*)?$/is.exec(text)
  if (!parts) return bad('must begin with http:// or https://')
  const [, scheme = '', authority = '', path = '', query, fragment] = parts
  if (fragment !== undefined) return bad('must not have a fragment')
  if (authority.includes('@')) return bad('must not hold a user name or a password')
  const host = parseAuthority(authority)
  if (host === undefined) return bad('must name a host')
  if (!/^[A-Za-z0-9\-._~:/?[\]@!$&'()*+,;=%]*$/.test(path + (query ?? ''))) {
    return bad('holds a character that no URL may hold (a template such as `{tenantid}` is not supported)')
  }
  const digits = /:(\d+)$/.exec(authority)?.[1]
  const port = digits === undefined ? undefined : Number(digits)
  if (port === 0 || (port ?? 1) > 65535) return bad('must have a port from 1 to 65535')
  return {
    ok: true,
    url: { scheme: scheme.toLowerCase() === 'http' ? 'http' : 'https', host, port, path, query: query !== undefined },
  }
}

/** Whether the host is this machine: the only place where plain http shows nothing to anybody. */
export const isLoopback = (host: string): boolean =>
  host === 'localhost' || host.endsWith('.localhost') || isIn(loopback, host)

/** 169.254.0.0/16 and fe80::/10: where clouds keep their metadata and its credentials. */
export const isLinkLocal = (host: string): boolean => isIn(linkLocal, host)

/** `0.0.0.0` and `::`. */
export const isWildcard = (host: string): boolean => /^\[?(?:0\.0\.0\.0|[0:]+)\]?$/.test(host)

const bad = (fault: string) => ({ ok: false, fault }) as const

const blockList = (subnets: readonly (readonly [string, number, 'ipv4' | 'ipv6'])[]): BlockList => {
  const list = new BlockList()
  for (const [address, prefix, family] of subnets) list.addSubnet(address, prefix, family)
  return list
}

const loopback = blockList([
  ['127.0.0.0', 8, 'ipv4'],
  ['::1', 128, 'ipv6'],
])
const linkLocal = blockList([
  ['169.254.0.0', 16, 'ipv4'],
  ['fe80::', 10, 'ipv6'],
])

const isIn = (list: BlockList, host: string): boolean => {
  const address = host.startsWith('[') ? host.slice(1, -1) : host
  if (isIPv4(address)) return list.check(address, 'ipv4')
  return isIPv6(address) && list.check(address, 'ipv6')
}
