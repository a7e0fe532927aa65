import type { TlsOptions } from '../http/options.ts'
import type { UpstreamTls } from '../upstream/options.ts'
import type { Config } from './config.ts'

/**
 * A config as the admin listener shows it, before secrets are taken out. Routes are a listing of their own; the trees
 * they are compiled into would say nothing to anybody.
 */
export const viewOf = (config: Config): unknown => ({
  ...config,
  // A digest would tell who can guess what a secret is.
  files: [...config.files.keys()],
  resources: undefined,
  listen: { ...config.listen, tls: byName(config.listen.tls) },
  upstreams: config.upstreams.map(({ key, options }) => ({ key, ...options, tls: byName(options.tls) })),
})

/** By the names of its files: what they held at the start may have been replaced. */
const byName = (tls: TlsOptions | UpstreamTls | undefined) =>
  tls && { ...tls, certificate: undefined, key: undefined, ca: undefined, clientCa: undefined }
