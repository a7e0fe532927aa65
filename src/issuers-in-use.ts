import { isDeepStrictEqual } from 'node:util'
import type { Issuer } from './config/config.ts'
import { createIssuer, type IssuerDeps, keysOf, loadKeys, type RunningIssuer } from './issuers.ts'
import type { TokenCache } from './token/cache.ts'
import { generationOf } from './token/proof.ts'

/** An issuer of the config, and what runs for it. */
export interface IssuerInUse {
  readonly options: Issuer
  /** The same object as long as the options are the same: what was proven goes with it. */
  readonly running: RunningIssuer
  readonly keys: KeysInUse
  /** No config names it any more: what it still reports of its keys is not told. */
  mute(): void
  /** Its keys end with the last one that has them. */
  close(): Promise<void>
}

/** Keys that one issuer has after the other: to set a tolerance must not need the server. */
interface KeysInUse {
  readonly of: ReturnType<typeof keysOf>
  readonly source: ReturnType<typeof loadKeys>
  users: number
  /** Users that a config names: without one, nobody wants to hear of these keys. */
  tellers: number
}

/**
 * Makes an issuer, and begins to load its keys.
 *
 * @param before who had the name until now: keys that are loaded in the same way are taken over
 */
export const beginIssuer = (options: Issuer, deps: IssuerDeps, before?: IssuerInUse): IssuerInUse => {
  const of = keysOf(options)
  const keys = before && isDeepStrictEqual(before.keys.of, of) ? before.keys : loadShared(of, deps)
  keys.users++
  keys.tellers++
  let muted = false
  const decryptionChanged = (name: string): void => {
    if (!muted) deps.events.keys.decryptionChanged(name)
  }
  const events = { ...deps.events, keys: { ...deps.events.keys, decryptionChanged } }
  const running = createIssuer(options, { ...deps, events }, keys.source)
  const mute = (): void => {
    if (!muted) keys.tellers--
    muted = true
  }
  return {
    options,
    running,
    keys,
    mute,
    close: () => {
      mute()
      keys.users--
      return running.close(keys.users === 0)
    },
  }
}

const loadShared = (of: KeysInUse['of'], deps: IssuerDeps): KeysInUse => {
  const told = deps.events.keys
  // Another of the same name may have taken its place.
  const mutable =
    <Event extends readonly unknown[]>(tell: (...event: Event) => void) =>
    (...event: Event): void => {
      if (keys.tellers > 0) tell(...event)
    }
  const events: IssuerDeps['events'] = {
    ...deps.events,
    keys: {
      ...told,
      fetched: mutable(told.fetched),
      stateChanged: mutable(told.stateChanged),
      unknownKid: mutable(told.unknownKid),
      keyDropped: mutable(told.keyDropped),
      warned: mutable(told.warned),
    },
  }
  const keys: KeysInUse = { of, source: loadKeys(of, { ...deps, events }), users: 0, tellers: 0 }
  return keys
}

/**
 * What was proven with keys that have changed is void, its generation says so. This takes it out of memory, too.
 *
 * @returns to be called with the name of an issuer whose keys may be others now
 */
export const forgetter = (
  tokens: Pick<TokenCache, 'flush'>,
  issuerOf: (name: string) => RunningIssuer | undefined,
): ((name: string) => void) => {
  const generations = new Map<string, number>()
  return (name) => {
    const issuer = issuerOf(name)
    if (issuer === undefined) return
    const generation = generationOf(issuer)
    if (generations.get(name) === generation) return
    generations.set(name, generation)
    tokens.flush(name)
  }
}

/** What becomes of the issuers at a reload. */
export interface IssuersAtReload {
  /** Those of the new config, in its order. */
  readonly all: readonly IssuerInUse[]
  /** Those of them that were begun for it: new ones, and those whose options are not the same. */
  readonly begun: readonly IssuerInUse[]
  /** Those of the config before that nothing goes on with. */
  readonly gone: readonly IssuerInUse[]
}

/**
 * Goes on with the issuers whose options are the same, and begins the others.
 *
 * @param begin gets who had the name until now
 */
export const succeed = (
  before: readonly IssuerInUse[],
  next: readonly Issuer[],
  begin: (options: Issuer, before: IssuerInUse | undefined) => IssuerInUse,
): IssuersAtReload => {
  const known = new Map(before.map((one) => [one.options.name, one]))
  const all = next.map((options) => {
    const one = known.get(options.name)
    return one && isDeepStrictEqual(one.options, options) ? one : begin(options, one)
  })
  const kept = new Set(all)
  const old = new Set(before)
  return { all, begun: all.filter((one) => !old.has(one)), gone: before.filter((one) => !kept.has(one)) }
}
