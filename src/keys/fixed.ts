import { createLocalJWKSet } from 'jose'
import { refuse } from '../decision/refusal.ts'
import type { Clock } from './clock.ts'
import { createDropLog } from './drop-log.ts'
import type { KeyEvents, KeyHint, KeyReport, KeySource } from './key-source.ts'
import { keyUnknown } from './key-unknown.ts'
import { noUsableKey } from './remote-set.ts'
import { createSelection, type Selection } from './selection.ts'
import { type DroppedKey, longestKid, vetKeys } from './vet.ts'

/** The keys as written by the operator, not vetted yet, or why there are none. */
export type Read =
  | { readonly ok: true; readonly keys: readonly unknown[] }
  | { readonly ok: false; readonly fault: string }

/** The keys ready for use, or why there are none. */
export type FixedKeys = {
  readonly dropped: readonly DroppedKey[]
} & ({ readonly ok: true; readonly selection: Selection } | { readonly ok: false; readonly fault: string })

export interface FixedOptions {
  readonly name: string
  /** Loads them once. Never rejects. */
  readonly load: () => Promise<FixedKeys>
  /** The keys have no `kid`, so that the token's says nothing: choose by algorithm alone. */
  readonly nameless: boolean
}

/** Loads public keys: what {@link vetKeys} leaves of those that are read. */
export const vetted = (read: () => Promise<Read>, algorithms: readonly string[]) => async (): Promise<FixedKeys> => {
  const found = await read()
  if (!found.ok) return { ...found, dropped: [] }
  const set = await vetKeys(found.keys, algorithms)
  const { keys, dropped } = set
  if (keys.length === 0) return { ok: false, fault: noUsableKey(set), dropped }
  const selection = await createSelection(createLocalJWKSet({ keys: keys.map(({ jwk }) => jwk) }), set)
  return { ok: true, selection, dropped }
}

/**
 * Keys that the operator gave: read at the start and on `reload`, never fetched, never stale. A file that is broken at
 * the start leaves the source `cold`, and every token of the issuer is `keys_unavailable`; one that is broken later
 * leaves the keys as they were. Never throws.
 */
export const createFixedKeySource = (options: FixedOptions, events: KeyEvents, clock: Clock): KeySource => {
  const { name, nameless } = options
  let selection: Selection | undefined
  let loadedAt: number | undefined
  let fault: string | undefined
  let generation = 0

  const load = async (): Promise<void> => {
    const loaded = await options.load()
    createDropLog(name, events)(loaded.dropped)
    if (loaded.ok) {
      if (loaded.selection.fingerprint !== selection?.fingerprint) generation += 1
      selection = loaded.selection
      fault = undefined
      loadedAt = Math.floor(clock.now() / 1000)
    } else {
      fault = loaded.fault
    }
    events.stateChanged(name, report())
  }

  const state = () => (selection === undefined ? 'cold' : 'fresh')

  const report = (): KeyReport => ({
    state: state(),
    keys: selection?.size ?? 0,
    lastSuccess: loadedAt,
    lastError: fault,
    jwksUri: undefined,
  })

  const settle = (hint: KeyHint) => {
    if (selection === undefined) return refuse({ reason: 'keys_unavailable', issuer: name, retryAfterSeconds: 60 })
    const found = selection.find(nameless ? { alg: hint.alg, kid: undefined } : hint)
    return found.kind === 'key' ? found.outcome : keyUnknown(name, found.kind, hint)
  }

  const started = load()

  return {
    get state() {
      return state()
    },
    get generation() {
      return generation
    },
    resolve: (hint) => {
      if (hint.kid !== undefined && hint.kid.length > longestKid) return keyUnknown(name, 'absent', hint)
      return selection === undefined && fault === undefined ? started.then(() => settle(hint)) : settle(hint)
    },
    report,
    started,
    reload: load,
    close: () => started,
  }
}
