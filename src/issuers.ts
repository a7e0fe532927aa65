import type { Issuer } from './config/config.ts'
import type { Clock } from './keys/clock.ts'
import { createDecryptionKeys, type DecryptionEvents } from './keys/decryption-file.ts'
import { createEndpoint, type Endpoint } from './keys/endpoint.ts'
import { createHttpClient } from './keys/http-client.ts'
import { createKeySource } from './keys/index.ts'
import type { KeyEvents } from './keys/key-source.ts'
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
  close(): Promise<void>
}

/** Makes what one issuer of the config needs: keys, decryption keys, introspection. Its keys begin to load at once. */
export const createIssuer = (issuer: Issuer, deps: IssuerDeps): RunningIssuer => {
  const { name, token } = issuer
  const { clock, events } = deps
  const keys = createKeySource(
    {
      name,
      issuer: issuer.issuer,
      keys: issuer.keys,
      algorithms: token.algorithms,
      // A server that only answers questions may have no keys at all; a signed answer needs one.
      keysOptional: token.introspection?.response === 'json',
    },
    { events: events.keys, clock, random: Math.random },
  )
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
    close: async () => {
      await Promise.all([keys.close(), decryption?.close(), introspection?.introspector.close()])
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
