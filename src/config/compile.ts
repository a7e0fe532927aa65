import { dirname } from 'node:path'
import type { ListenOptions } from '../http/options.ts'
import { compileDev } from './compile-dev.ts'
import { compileIssuers } from './compile-issuers.ts'
import { compileUpstreams } from './compile-resources.ts'
import type { Config, Upstream } from './config.ts'
import type { ReadFile } from './files.ts'
import type { Report } from './report.ts'
import type { FileInput } from './schema.ts'
import { isLoopback, isWildcard } from './web-url.ts'

/** What is compiled, and with what. */
export interface CompileContext {
  readonly file: string
  readonly report: Report
  readonly readFile: ReadFile
  /** Names under `issuers` as written, also of entries that are wrong themselves. */
  readonly issuerNames: readonly string[]
  /** How many entries `upstreams` has as written. */
  readonly upstreamCount: number
}

/** Turns checked input into the parts of a {@link Config}; reports what only the whole file can tell. */
export const compile = (
  input: FileInput,
  { file, report, readFile, issuerNames, upstreamCount }: CompileContext,
): Omit<Config, 'file' | 'hash' | 'warnings'> => {
  const issuers = compileIssuers(input.issuers, { directory: dirname(file), readFile, report })
  const { resources, upstreams, complete } = compileUpstreams(input.upstreams, {
    report,
    issuerNames,
    issuers,
    requestIdHeader: input.request_id.header,
  })
  if (issuerNames.length === 0)
    report.warn(['issuers'], 'no issuers: every request that needs a token is refused', 'key')
  if (upstreamCount === 0) report.warn(['upstreams'], 'no upstreams: every request is refused', 'key')
  warnAboutListener(input.listen, report)
  warnAboutLoops(input, upstreams, report)
  const isComplete = complete && upstreams.length >= upstreamCount
  const dev = input.dev && compileDev(input.dev, { report, issuerNames, upstreams, complete: isComplete })
  const { listen, admin, log, readiness, refusals } = input
  return { listen, admin, log, requestId: input.request_id, readiness, refusals, issuers, resources, upstreams, dev }
}

/** BR-23: tokens over plain http are for a front proxy that ends TLS, or for this machine. */
const warnAboutListener = (listen: ListenOptions, report: Report): void => {
  if (!isLoopback(listen.host) && listen.trustedProxies.length === 0 && !report.has(['listen', 'trusted_proxies', 0])) {
    report.warn(
      ['listen'],
      'plain http that other machines can reach, and no `trusted_proxies`: tokens can be read on the way',
      'key',
    )
  }
  for (const [index, network] of listen.trustedProxies.entries()) {
    if (/\/0+$/.test(network)) {
      report.warn(['listen', 'trusted_proxies', index], 'everybody is trusted to say who and where the client is')
    }
  }
}

/** An upstream that is the gateway itself: every request would come back until `Via` ends it. */
const warnAboutLoops = (input: FileInput, upstreams: readonly Upstream[], report: Report): void => {
  const own = [input.listen, ...(input.admin ? [input.admin] : [])].map(({ host, port }) => ({
    host: host.includes(':') ? `[${host}]` : host,
    port,
  }))
  for (const { key, options } of upstreams) {
    const [, host = '', digits] = /^(.*?)(?::(\d+))?$/.exec(options.authority) ?? []
    const port = digits === undefined ? (options.origin.startsWith('https:') ? 443 : 80) : Number(digits)
    const local = isLoopback(host) || isWildcard(host)
    const itself = own.some(
      (listener) =>
        listener.port === port &&
        (listener.host === host || (local && (isLoopback(listener.host) || isWildcard(listener.host)))),
    )
    if (itself) report.warn(['upstreams', key], 'this upstream is the gateway itself', 'key')
  }
}
