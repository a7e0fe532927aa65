import { dirname } from 'node:path'
import type { ListenOptions } from '../http/options.ts'
import { toProofOptions } from '../token/options.ts'
import { compileDev } from './compile-dev.ts'
import { compileIssuers } from './compile-issuers.ts'
import { compileListen } from './compile-listen.ts'
import { compileUpstreams } from './compile-resources.ts'
import { compileStore } from './compile-store.ts'
import type { Config } from './config.ts'
import type { ReadFile } from './files.ts'
import { readSecret, type Surroundings } from './named-file.ts'
import type { Report } from './report.ts'
import type { FileInput } from './schema.ts'
import { isLoopback } from './web-url.ts'

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
): Omit<Config, 'file' | 'files' | 'hash' | 'warnings'> => {
  const around = { directory: dirname(file), readFile, report }
  const issuers = compileIssuers(input.issuers, around)
  const listen = compileListen(input.listen, around)
  const { resources, upstreams, complete } = compileUpstreams(input.upstreams, {
    report,
    around,
    listeners: input.admin ? [listen, input.admin] : [listen],
    issuerNames,
    issuers,
    requestIdHeader: input.request_id.header,
    proofAlgorithms: [...new Set(input.dpop.algorithms)],
    clientCertificates: (input.listen.tls?.client_certificates ?? 'ignore') !== 'ignore',
  })
  if (issuerNames.length === 0)
    report.warn(['issuers'], 'no issuers: every request that needs a token is refused', 'key')
  if (upstreamCount === 0) report.warn(['upstreams'], 'no upstreams: every request is refused', 'key')
  warnAboutListener(listen, report)
  warnAboutProxyStatus(input, report)
  warnAboutNonces(input, report)
  warnAboutWorkers(input, report)
  const isComplete = complete && upstreams.length >= upstreamCount
  const dev = input.dev && compileDev(input.dev, { report, issuerNames, issuers, upstreams, complete: isComplete })
  const { admin, log, readiness, refusals, workers, request_id: requestId, trace_context: traceContext } = input
  const dpop = toProofOptions(input.dpop, readNonceSecret(input, around))
  const store = compileStore(input.store, around)
  return {
    listen,
    admin,
    log,
    requestId,
    traceContext,
    readiness,
    refusals,
    dpop,
    store,
    workers,
    issuers,
    resources,
    upstreams,
    dev,
  }
}

/** DP-16: the secret that replicas share, so that one takes the nonces of another. */
const readNonceSecret = ({ dpop }: FileInput, around: Surroundings): Uint8Array | undefined => {
  const at = ['dpop', 'nonce_secret_file']
  if (dpop.nonce_secret_file === undefined) return undefined
  if (!dpop.nonces) around.report.problem(at, '`nonce_secret_file` counts only with `nonces: true`', 'key')
  return readSecret(dpop.nonce_secret_file, at, around, ({ length }) =>
    length < 32 ? 'holds less than 32 bytes: a nonce could be guessed' : undefined,
  ).secret
}

/** DP-16: who shares a store is one of several replicas, and a client goes from one to the other. */
const warnAboutNonces = ({ dpop, store }: FileInput, report: Report): void => {
  if (!dpop.nonces || dpop.nonce_secret_file !== undefined || store === 'memory') return
  report.warn(
    ['dpop', 'nonces'],
    'replicas refuse the nonces of each other: `nonce_secret_file` makes them agree, `store` does not',
    'key',
  )
}

/** BR-23: tokens over plain http are for a front proxy that ends TLS, or for this machine. */
const warnAboutListener = (listen: ListenOptions, report: Report): void => {
  if (
    listen.tls === undefined &&
    !isLoopback(listen.host) &&
    listen.trustedProxies.length === 0 &&
    !report.has(['listen', 'trusted_proxies', 0])
  ) {
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

/** DP-15: a proof may come again to another worker, whose memory does not know it. */
const warnAboutWorkers = ({ workers, store }: FileInput, report: Report): void => {
  if (workers === 1 || store !== 'memory') return
  report.warn(
    ['workers'],
    'each worker has a memory of its own: a DPoP proof counts once in each of them, and only with `store: redis://…` once',
    'key',
  )
}

/** Only trusted proxies see the field: without any it is never sent. */
const warnAboutProxyStatus = ({ listen, refusals }: FileInput, report: Report): void => {
  const proxies = listen.trusted_proxies.length > 0 || report.has(['listen', 'trusted_proxies', 0])
  if (refusals.proxyStatus === undefined || proxies) return
  report.warn(
    ['refusals', 'proxy_status'],
    '`proxy_status` does nothing without `trusted_proxies` under `listen`: nobody else is told',
    'key',
  )
}
