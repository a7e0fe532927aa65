import type { FileRead } from '../config/files.ts'
import type { ReadinessReport } from '../observe/readiness.ts'

/** The config file and what it names, as they were read once: every worker makes the same of them. They hold secrets. */
export type FileContents = ReadonlyMap<string, FileRead>

/** What a new worker is told. */
export interface Start {
  /** Of the config, as named at the start. */
  readonly file: string
  /** Of several workers this one, from 1. */
  readonly worker: number
  /** What the group was started with: sockets and the log are made from it. */
  readonly files: FileContents
  /** What has come in its place since. */
  readonly reloaded: FileContents | undefined
  /** For the DPoP nonces of all workers, where the config has no secret: one takes those of another (DP-16). */
  readonly nonceSecret: Uint8Array
  /** Serve only when there are keys: others do so far. */
  readonly whenReady: boolean
  /** `/drain` was called. */
  readonly draining: boolean
}

/** Where the workers listen. */
export interface Bound {
  readonly address: string
  readonly port: number
}

/** How a worker ended that was asked to. */
export interface Ended {
  /** Connections that had to be cut with something in flight. */
  readonly cut: number
  /** Its last words for `/metrics`. */
  readonly metrics: string
}

/** Everything that the supervisor asks of a worker: what it says, and what it is answered. */
export interface Calls {
  start: [Start, Bound]
  /** Another config in place of the running one. */
  reload: [FileContents, undefined]
  reloadFailed: [undefined, undefined]
  /** The keys of every issuer again. */
  refresh: [undefined, undefined]
  drain: [undefined, undefined]
  /** Answered when it is ready for the first time. */
  settled: [undefined, undefined]
  ready: [undefined, ReadinessReport]
  metrics: [undefined, string]
  /** As the admin listener shows them: secrets taken out. */
  issuers: [undefined, unknown]
  routes: [undefined, unknown]
  config: [undefined, unknown]
  close: [{ readonly delayMs: number; readonly drainMs: number | undefined }, Ended]
}

export type CallName = keyof Calls
export type Said<Name extends CallName> = Calls[Name][0]
export type Answer<Name extends CallName> = Calls[Name][1]

/** One call on its way to a worker. */
export type Call = {
  readonly [Name in CallName]: { readonly id: number; readonly name: Name; readonly said: Said<Name> }
}[CallName]

/** What comes back: the answer, or a message for the operator that says why there is none. */
export type Reply =
  | { readonly id: number; readonly ok: true; readonly answer: unknown }
  | { readonly id: number; readonly ok: false; readonly fault: string }
