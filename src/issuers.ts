import type { Issuer } from './config/config.ts'
import type { Clock } from './keys/clock.ts'
import { createDecryptionKeys, type DecryptionEvents } from './keys/decryption-file.ts'
import { createEndpoint, type Endpoint } from './keys/endpoint.ts'
import { createHttpClient } from './keys/http-client.ts'
import { createKeySource, type KeyIssuer } from './keys/index.ts'
import type { KeyEvents, KeySource } from './keys/key-source.ts'
import { readRegularFile } from './keys/regular-file.ts'
import type { Store } from './store/store.ts'
import { createIntrospector, type ProbedIntrospector } from './token/introspection/create-introspector.ts'
import type { IntrospectionEvents } from './token/introspection/introspector.ts'
import type { TrustedIssuer } from './token/proof.ts'

/** What issuers report; wired to metrics and log by the composition root. */
export interface IssuerEvents {
  readonly keys: KeyEvents & DecryptionEvents
  readonly introspection: IntrospectionEvents
}

export interface IssuerDeps {
  /** Where replicas share introspection results. Not closed here. */
  readonly store: Store
  readonly clock: Clock
  /** Milliseconds that never go back. */
  readonly monotonic: () => number
  readonly events: IssuerEvents
}

/** A {@link TrustedIssuer} with everything that is open for it. */
export interface RunningIssuer extends TrustedIssuer {
  readonly introspection: ProbedIntrospector | undefined
  /** Settles after the first attempt to load its keys, good or bad. Never rejects. */
  readonly started: Promise<void>
  /** Loads its keys again, and looks again where introspection is; now. Never rejects. */
  reload(): Promise<void>
  /** Reads again what it has from these files, if anything: absolute paths. Never rejects. */
  reloadFiles(changed: ReadonlySet<string>): Promise<void>
  /** @param keysToo default: true */
  close(keysToo?: boolean): Promise<void>
}

/** What the keys of an issuer depend on. */
export const keysOf = ({ name, issuer, keys, token }: Issuer): KeyIssuer => ({
  name,
  issuer,
  keys,
  algorithms: token.algorithms,
  // A server that only answers questions may have no keys at all; a signed answer needs one.
  keysOptional: token.introspection?.response === 'json',
})

/** Begins to load the keys of an issuer. */
export const loadKeys = (issuer: KeyIssuer, { clock, events }: Pick<IssuerDeps, 'clock' | 'events'>): KeySource =>
  createKeySource(issuer, { events: events.keys, clock, random: Math.random })

/**
 * Makes what one issuer of the config needs: keys, decryption keys, introspection. Its keys begin to load at once.
 *
 * @param keys those that were loaded already, by {@link keysOf} the issuer
 */
export const createIssuer = (
  issuer: Issuer,
  deps: IssuerDeps,
  keys: KeySource = loadKeys(keysOf(issuer), deps),
): RunningIssuer => {
  const { name, token } = issuer
  const { clock, events } = deps
  const decryption =
    token.decryption && createDecryptionKeys({ name, file: token.decryption.file }, { clock, events: events.keys })
  const proven = { name, issuer: issuer.issuer, token, keys, decryption }
  const introspection = createIntrospection(issuer, proven, deps)
  return {
    ...proven,
    introspection: introspection?.introspector,
    started: Promise.all([keys.started, decryption?.started]).then(() => undefined),
    reload: async () => {
      await Promise.all([keys.reload(), decryption?.reload(), introspection?.endpoint.reload()])
    },
    reloadFiles: async (changed) => {
      const { source } = issuer.keys
      await Promise.all([
        'file' in source && changed.has(source.file) && keys.reload(),
        token.decryption && changed.has(token.decryption.file) && decryption?.reload(),
      ])
    },
    close: async (keysToo = true) => {
      await Promise.all([keysToo && keys.close(), decryption?.close(), introspection?.introspector.close()])
    },
  }
}

interface Introspection {
  readonly introspector: ProbedIntrospector
  readonly endpoint: Endpoint
}

const createIntrospection = (
  { issuer, token, keys }: Issuer,
  proven: Omit<TrustedIssuer, 'introspection'>,
  { store, clock, monotonic, events }: IssuerDeps,
): Introspection | undefined => {
  const options = token.introspection
  if (options === undefined) return undefined
  const { metadataUrl, allowHttp, refresh, ca } = keys
  const client = createHttpClient(ca, refresh.timeoutMs, { keepAlive: true })
  const endpoint = createEndpoint(
    {
      issuer,
      metadataUrl,
      allowHttp,
      timeoutMs: refresh.timeoutMs,
      endpoint: options.endpoint,
      intervalMs: refresh.intervalMs,
      cooldownMs: refresh.cooldownMs,
    },
    client,
    clock,
  )
  const introspector = createIntrospector(proven, options, {
    client,
    locate: () => endpoint.locate(),
    timeoutMs: refresh.timeoutMs,
    now: () => clock.now() / 1000,
    store,
    events: events.introspection,
    monotonic,
    readFile: readRegularFile,
  })
  return { introspector, endpoint }
}
