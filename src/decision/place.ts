import { parseAuthority } from './authority.ts'
import type { PathPolicy, Place } from './resource.ts'
import { pathFault } from './target.ts'

/**
 * Where a resource answers, from its indicator or from `at:`: an http(s) URI (that host on any port and any scheme) or
 * a bare path (any host). The query of an indicator takes no part (RI-3).
 */
export const parsePlace = (
  text: string,
  paths: PathPolicy,
): { readonly ok: true; readonly place: Place } | { readonly ok: false; readonly fault: string } => {
  if (text.startsWith('/')) return withPath(undefined, text, paths)
  const uri = /^https?:\/\/([^/?#]*)([^?#]*)(?:\?[^#]*)?$/i.exec(text)
  if (!uri) return { ok: false, fault: 'neither an http(s) URI nor a path that begins with `/`' }
  const [, authority = '', path = ''] = uri
  const host = parseAuthority(authority)
  if (host === undefined) return { ok: false, fault: `\`${authority}\` is no host that a request can name` }
  return withPath(host, path, paths)
}

const withPath = (host: string | undefined, path: string, paths: PathPolicy) => {
  if (path === '' || path === '/') return { ok: true, place: { host, path: '' } } as const
  const fault = pathFault(path, { encodedSlashes: paths.encodedSlashes, parameters: false })
  if (fault !== undefined) return { ok: false, fault: `no request can match this path: ${fault}` } as const
  return { ok: true, place: { host, path } } as const
}
