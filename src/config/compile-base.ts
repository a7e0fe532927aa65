import { pathFault } from '../decision/target.ts'
import type { UpstreamOptions } from '../upstream/options.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'
import { isLinkLocal, isLoopback, parseWebUrl } from './web-url.ts'

/** Where the entry's key says that the API really runs. */
export const parseBase = (
  key: string,
  path: Path,
  report: Report,
): Pick<UpstreamOptions, 'origin' | 'authority' | 'basePath'> | undefined => {
  if (/^unix:/i.test(key)) {
    report.problem(path, 'an upstream at `unix:` is not supported yet', 'key')
    return undefined
  }
  const parsed = parseWebUrl(key)
  if (!parsed.ok) {
    report.problem(path, `an upstream ${parsed.fault}`, 'key')
    return undefined
  }
  const { scheme, host, port, path: base, query } = parsed.url
  const fault = base === '' ? undefined : pathFault(base, { encodedSlashes: true, parameters: true })
  if (query) report.problem(path, 'an upstream must not have a query', 'key')
  if (fault !== undefined) report.problem(path, `the path of an upstream must be canonical: ${fault}`, 'key')
  if (isLinkLocal(host)) {
    report.warn(path, 'a link-local upstream: this is where clouds keep the credentials of the machine', 'key')
  } else if (scheme === 'http' && !isLoopback(host)) {
    report.warn(path, 'plain http to another machine: tokens and answers can be read on the way (FW-11)', 'key')
  }
  const authority = port === undefined ? host : `${host}:${port}`
  return { origin: `${scheme}://${authority}`, authority, basePath: base === '/' ? '' : base }
}
