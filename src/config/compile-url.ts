import type { Report } from './report.ts'
import type { IssuerInput } from './schema.ts'
import type { Path } from './tree.ts'
import { isLoopback, parseWebUrl } from './web-url.ts'

/** AS-5: keys that came over plain http are whatever somebody on the way made of them. */
export const checkPlainHttp = (text: string, entry: IssuerInput, at: Path, report: Report): void => {
  const parsed = parseWebUrl(text)
  if (!parsed.ok || parsed.url.scheme === 'https' || isLoopback(parsed.url.host) || entry.dangerously_allow_http) return
  report.problem(at, 'http:// is accepted on loopback only; elsewhere `dangerously_allow_http: true` must be written')
}

/** A URL of an authorization server that the config names beside the issuer itself. */
export const checkUrl = (text: string, entry: IssuerInput, at: Path, report: Report): void => {
  const parsed = parseWebUrl(text)
  if (!parsed.ok) return report.problem(at, `\`${at.at(-1)}\` ${parsed.fault}`)
  checkPlainHttp(text, entry, at, report)
}
