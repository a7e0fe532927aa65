import type { Clock } from './clock.ts'
import { createDiscovery } from './discovery.ts'
import { readJwksFile } from './file.ts'
import { createFixedKeySource, type FixedKeys, type Read, vetted } from './fixed.ts'
import { createHttpClient, failed, urlFault } from './http-client.ts'
import { readInline } from './inline.ts'
import type { KeyEvents, KeySource } from './key-source.ts'
import type { KeyOptions } from './options.ts'
import { readPemFile } from './pem.ts'
import { createRemoteKeySource, type RemoteDeps } from './remote.ts'
import { loadSecret } from './secret.ts'

/** One issuer, as far as its keys go. */
export interface KeyIssuer {
  /** Config name: what events and refusals say. */
  readonly name: string
  /** The issuer identifier. */
  readonly issuer: string
  readonly keys: KeyOptions
  /** A key is chosen and imported for these only. */
  readonly algorithms: readonly string[]
  /** Metadata that name no keys are no failure: the issuer's tokens need none. Default: they are one. */
  readonly keysOptional?: boolean
}

export interface KeyDeps {
  readonly events: KeyEvents
  readonly clock: Clock
  /** In [0, 1): spreads refreshes and retries. */
  readonly random: () => number
}

/** Where keys come from, by the word in the config. Loading begins at once, in the background. */
export const createKeySource = (issuer: KeyIssuer, deps: KeyDeps): KeySource => {
  const { source } = issuer.keys
  switch (source.kind) {
    case 'discovery':
      return discovered(issuer, deps)
    case 'jwks_uri':
      return remote(issuer, deps, source.url)
    case 'jwks_file':
      return published(issuer, deps, () => readJwksFile(source.file), false)
    case 'jwks':
      return published(issuer, deps, () => readInline(source.jwks), false)
    case 'pem_file':
      return published(issuer, deps, () => readPemFile(source.file), true)
    case 'secret_file':
      return fixed(issuer, deps, () => loadSecret(source.file, issuer.algorithms), true)
  }
}

const discovered = (issuer: KeyIssuer, deps: KeyDeps): KeySource => {
  const { metadataUrl, allowHttp, refresh, ca } = issuer.keys
  const { keysOptional = false } = issuer
  const client = createHttpClient(ca, refresh.timeoutMs)
  const discovery = createDiscovery(
    { issuer: issuer.issuer, metadataUrl, allowHttp, timeoutMs: refresh.timeoutMs, keysOptional },
    client,
    (message) => deps.events.warned(issuer.name, message),
  )
  return watched(issuer, { ...deps, client, locate: discovery.locate })
}

const remote = (issuer: KeyIssuer, deps: KeyDeps, url: string): KeySource => {
  const { allowHttp, refresh, ca } = issuer.keys
  const fault = urlFault(url, allowHttp)
  const located = fault === undefined ? ({ ok: true, jwksUri: url } as const) : failed('parse', url, fault)
  return watched(issuer, { ...deps, client: createHttpClient(ca, refresh.timeoutMs), locate: async () => located })
}

const watched = ({ name, algorithms, keys }: KeyIssuer, deps: RemoteDeps): KeySource =>
  createRemoteKeySource({ name, algorithms, refresh: keys.refresh }, deps)

const published = (issuer: KeyIssuer, deps: KeyDeps, read: () => Promise<Read>, nameless: boolean): KeySource =>
  fixed(issuer, deps, vetted(read, issuer.algorithms), nameless)

const fixed = ({ name }: KeyIssuer, deps: KeyDeps, load: () => Promise<FixedKeys>, nameless: boolean): KeySource =>
  createFixedKeySource({ name, load, nameless }, deps.events, deps.clock)
