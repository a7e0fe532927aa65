import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import type { Outcome, Reason } from '../../../src/decision/refusal.ts'
import type { VerifiedToken } from '../../../src/decision/token.ts'
import { createHttpClient } from '../../../src/keys/http-client.ts'
import { readRegularFile } from '../../../src/keys/regular-file.ts'
import type { Store } from '../../../src/store/store.ts'
import {
  createIntrospector,
  type IntrospectorDeps,
  type ProbedIntrospector,
} from '../../../src/token/introspection/create-introspector.ts'
import type { IntrospectionOptions, TokenOptions } from '../../../src/token/options.ts'
import type { Proof, TrustedIssuer } from '../../../src/token/proof.ts'
import { type IntrospectionServer, startIntrospectionServer } from '../../support/introspection-server.ts'
import { createManualClock, type ManualClock } from '../../support/manual-clock.ts'
import { AUDIENCE, ISSUER, issuerKeys, NOW, type TestKey, TOKEN_OPTIONS } from '../../support/tokens.ts'

export const SECRET = 's3cret-of-the-gateway'

export const OPTIONS: Omit<IntrospectionOptions, 'credentialFile'> = {
  endpoint: undefined,
  clientId: 'gateway',
  auth: 'client_secret_basic',
  response: 'json',
  cacheMs: 30_000,
}

/** The members of a good answer; what is given replaces, `undefined` removes. */
export const goodMembers = (replaced: Readonly<Record<string, unknown>> = {}): Record<string, unknown> => ({
  active: true,
  iss: ISSUER,
  sub: 'alice',
  aud: AUDIENCE,
  client_id: 'cli',
  scope: 'orders:read orders:write',
  iat: NOW - 60,
  exp: NOW + 3600,
  token_type: 'Bearer',
  ...replaced,
})

/** A file with this content, gone with the test. */
export const secretFile = (t: Pick<TestContext, 'after'>, content: string | Buffer): string => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-introspection-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'credential')
  writeFileSync(file, content)
  return file
}

/** A store that replicas share, with the clock of the test, that can be made to fail. */
export interface SharedStore extends Store {
  readonly entries: Map<string, { readonly value: string; readonly until: number }>
  fail(failing: boolean): void
}

export const createSharedStore = (clock: ManualClock): SharedStore => {
  const entries: SharedStore['entries'] = new Map()
  let failing = false
  return {
    entries,
    fail: (next) => {
      failing = next
    },
    putIfAbsent: () => ({ ok: false }),
    get: async (key) => {
      const entry = entries.get(key)
      return failing ? { ok: false } : { ok: true, value: entry && clock.now() < entry.until ? entry.value : undefined }
    },
    set: async (key, value, ttlMs) => {
      if (failing) return { ok: false }
      entries.set(key, { value, until: clock.now() + ttlMs })
      return { ok: true, value: undefined }
    },
    fault: async () => undefined,
    close: async () => undefined,
  }
}

export interface Introspecting {
  readonly introspector: ProbedIntrospector
  readonly trusted: TrustedIssuer
  readonly server: IntrospectionServer
  readonly store: SharedStore
  readonly clock: ManualClock
  /** `main active`, `main warned: …`, `main credentials: …`, `degraded`, in order. */
  readonly events: string[]
  readonly now: () => number
  /** `none` or the reason, at the time of the clock. */
  reason(token?: string): Promise<Reason | 'none'>
  /** What was proven, or a failure of the test. */
  proof(token?: string): Promise<Proof>
}

export interface IntrospectingOptions {
  readonly name?: string
  readonly issuer?: string
  readonly introspection?: Partial<IntrospectionOptions>
  readonly token?: Partial<TokenOptions>
  readonly keys?: readonly TestKey[]
  readonly secret?: string
  readonly timeoutMs?: number
  readonly server?: IntrospectionServer
  readonly clock?: ManualClock
  readonly store?: SharedStore
  readonly locate?: IntrospectorDeps['locate']
  readonly readFile?: IntrospectorDeps['readFile']
}

/** A real introspector before a real endpoint. */
export const startIntrospecting = async (t: TestContext, given: IntrospectingOptions = {}): Promise<Introspecting> => {
  const server = given.server ?? (await startIntrospectionServer(t))
  const clock = given.clock ?? createManualClock(NOW * 1000)
  const store = given.store ?? createSharedStore(clock)
  const events: string[] = []
  const options = { ...OPTIONS, credentialFile: secretFile(t, given.secret ?? SECRET), ...given.introspection }
  const issuer = {
    name: given.name ?? 'main',
    issuer: given.issuer ?? ISSUER,
    token: { ...TOKEN_OPTIONS, ...given.token, introspection: options },
    keys: await issuerKeys(given.keys ?? []),
    decryption: undefined,
  }
  const introspector = createIntrospector(issuer, options, {
    client: createHttpClient(undefined, 2_000, { keepAlive: true }),
    locate: given.locate ?? (async () => ({ ok: true, url: server.url })),
    timeoutMs: given.timeoutMs ?? 2_000,
    now: () => clock.now() / 1000,
    monotonic: clock.now,
    readFile: given.readFile ?? readRegularFile,
    store,
    events: {
      introspected: (name, result) => events.push(`${name} ${result}`),
      warned: (name, message) => events.push(`${name} warned: ${message}`),
      credentialsRefused: (name, message) => events.push(`${name} credentials: ${message}`),
      degraded: () => events.push('degraded'),
    },
  })
  t.after(() => introspector.close())
  const now = () => clock.now() / 1000
  const ask = (token: string): Promise<Outcome<Proof>> => Promise.resolve(introspector.introspect(token, now()))
  return {
    introspector,
    trusted: { ...issuer, introspection: introspector },
    server,
    store,
    clock,
    events,
    now,
    reason: async (token = 'opaque-1') => {
      const outcome = await ask(token)
      return outcome.ok ? 'none' : outcome.refusal.reason
    },
    proof: async (token = 'opaque-1') => {
      const outcome = await ask(token)
      if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`)
      return outcome.value
    },
  }
}

export const tokenOf = ({ outcome }: Proof): VerifiedToken => outcome.value
