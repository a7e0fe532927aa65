import type { Resource, Resources } from '../decision/resource.ts'
import type { DevOptions } from '../dev/options.ts'
import type { AdminOptions, ListenOptions, ReadinessOptions } from '../http/options.ts'
import type { KeyOptions } from '../keys/options.ts'
import type { LogOptions } from '../observe/options.ts'
import type { StoreOptions } from '../store/options.ts'
import type { ProofOptions, TokenOptions } from '../token/options.ts'
import type { UpstreamOptions } from '../upstream/options.ts'
import type { Problem } from './problem.ts'

/** A whole, valid configuration: frozen, compiled, nothing left to look up. Made by `loadConfig` only. */
export interface Config {
  readonly file: string
  /** SHA-256 of the file's text, 12 hex digits: `audgate_config_info`. */
  readonly hash: string
  /** The config file and every file that it names, by absolute path, each with a digest of what was read. Never shown. */
  readonly files: ReadonlyMap<string, string>
  readonly warnings: readonly Problem[]
  readonly listen: ListenOptions
  readonly admin: AdminOptions | undefined
  readonly log: LogOptions
  readonly requestId: { readonly header: string }
  readonly readiness: ReadinessOptions
  readonly refusals: { readonly exposeReason: boolean; readonly proxyStatus: string | undefined }
  /** `restart`: what peers say of a trace that are no trusted proxies is replaced (TC-6). */
  readonly traceContext: 'propagate' | 'restart'
  readonly dpop: ProofOptions
  readonly store: StoreOptions
  /** How many processes share the port; `auto`: one for each processor that there is. */
  readonly workers: number | 'auto'
  readonly issuers: readonly Issuer[]
  readonly resources: Resources
  /** By `Resource.index`. */
  readonly upstreams: readonly Upstream[]
  readonly dev: DevOptions | undefined
}

export interface Issuer {
  readonly name: string
  /** Compared with `iss`, character for character. */
  readonly issuer: string
  readonly token: TokenOptions
  readonly keys: KeyOptions
}

export interface Upstream {
  readonly resource: Resource
  /** The upstream key as written. */
  readonly key: string
  readonly options: UpstreamOptions
}

/** Lower-case names of the fields that only the gateway sets, on any route of any upstream (FW-8). */
export const ownedFields = ({ upstreams, requestId }: Pick<Config, 'upstreams' | 'requestId'>): ReadonlySet<string> =>
  new Set(
    [requestId.header, ...upstreams.flatMap(({ options }) => options.identityHeaders.map(({ name }) => name))].map(
      (name) => name.toLowerCase(),
    ),
  )
