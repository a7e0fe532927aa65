import { type Outcome, refuse } from '../decision/refusal.ts'
import type { Clock } from './clock.ts'
import type { Located } from './discovery.ts'
import { createDropLog } from './drop-log.ts'
import type { Failed, HttpClient } from './http-client.ts'
import type { KeyEvents, KeyHint, KeyReport, KeySource, KeyState, VerificationKey } from './key-source.ts'
import { keyUnknown } from './key-unknown.ts'
import { createRemoteSet, type Loaded, type RemoteSet } from './remote-set.ts'
import { type Refresh, refreshDelay, retryDelay, usableMs } from './schedule.ts'
import { emptySelection, type Selection } from './selection.ts'
import { createUnknownKids } from './unknown-kids.ts'
import { longestKid } from './vet.ts'

export interface RemoteOptions {
  /** Config name of the issuer. */
  readonly name: string
  readonly algorithms: readonly string[]
  readonly refresh: Refresh
}

export interface RemoteDeps {
  /** Where the key set is, if there is one, asked at each scheduled refresh: metadata can move it. */
  readonly locate: () => Promise<Located>
  /** Closed with the source. */
  readonly client: HttpClient
  readonly events: KeyEvents
  readonly clock: Clock
  readonly random: () => number
}

/** Why a fetch happens: the timer, or a token with a `kid` that the set does not have. */
type Cause = 'schedule' | 'kid'

/**
 * Keys of a key set on the authorization server.
 *
 * They are refreshed in the background, one flight at a time. A request starts a fetch in one case only: keys serve, and
 * its `kid` is not among them; and that happens at most once per cooldown, counted from the last fetch that an unknown
 * `kid` caused or that failed (AS-8, AS-9). The scheduled refresh has a timer of its own, which such fetches can bring
 * forward and never put off (attacks 2.6 row 11). A failure keeps the keys until they are too old; then everything is
 * `keys_unavailable` (AS-10, AS-12). Age is looked at when asked, not by a timer, so that it holds after a suspend too.
 */
export const createRemoteKeySource = (options: RemoteOptions, deps: RemoteDeps): KeySource => {
  const { name, refresh } = options
  const { client, events, clock, random } = deps
  const unknownKids = createUnknownKids(refresh.cooldownMs, refresh.intervalMs)
  const reportDropped = createDropLog(name, events)

  let set: RemoteSet | undefined
  let selection: Selection | undefined
  let generation = 0
  let lastSuccess: number | undefined
  let lastFailure: Failed | undefined
  let failures = 0
  /** No `kid` may cause a fetch before. */
  let cooledDown = Number.NEGATIVE_INFINITY
  let flight: Promise<void> | undefined
  let nextAt = Number.POSITIVE_INFINITY
  let disarm = (): void => undefined
  let closed = false
  let lastWarning = ''

  const state = (): KeyState => {
    if (selection === undefined) return lastSuccess === undefined ? 'cold' : 'expired'
    return lastFailure === undefined ? 'fresh' : 'stale'
  }

  const report = (): KeyReport => ({
    state: state(),
    keys: selection?.size ?? 0,
    lastSuccess: lastSuccess === undefined ? undefined : Math.floor(lastSuccess / 1000),
    lastError: lastFailure?.message,
    jwksUri: set?.url,
  })

  const fetchOnce = (cause: Cause): Promise<void> => {
    flight ??= fly(cause).finally(() => {
      flight = undefined
    })
    return flight
  }

  const fly = async (cause: Cause): Promise<void> => {
    const loaded = await load(cause)
    if (closed) return
    const now = clock.now()
    if (loaded.ok) accept(loaded, now)
    else {
      lastFailure = loaded
      failures += 1
    }
    if (cause === 'kid' || !loaded.ok) cooledDown = now + refresh.cooldownMs
    events.fetched(name, loaded.result, loaded.ok ? undefined : loaded.message)
    expireIfDue(now)
    armNoLater(now + delayAfter(loaded, now))
    events.stateChanged(name, report())
  }

  const load = async (cause: Cause): Promise<Loaded | Failed> => {
    // What an unknown kid causes is one GET, and none to the metadata.
    const found = cause === 'kid' && set !== undefined ? set : await locateSet()
    return 'load' in found ? found.load() : found
  }

  const locateSet = async (): Promise<RemoteSet | Loaded | Failed> => {
    const located = await deps.locate()
    if (!located.ok || located.jwksUri === undefined) {
      if (set === undefined) return located.ok ? keyless(located.message) : located
      warnOnce(`${located.message}; the jwks_uri that was named before is still used`)
      return set
    }
    lastWarning = ''
    if (located.jwksUri === set?.url) return set
    const { algorithms } = options
    set = createRemoteSet({ url: located.jwksUri, algorithms, timeoutMs: refresh.timeoutMs }, client)
    return set
  }

  /** A good answer with no keys in it, of an issuer that has none: asked again at the usual interval. */
  const keyless = (message: string): Loaded => {
    warnOnce(`${message}: no JWT of this issuer is accepted`)
    return { ok: true, result: 'ok', selection: emptySelection, dropped: [], maxAgeMs: undefined }
  }

  const accept = (loaded: Loaded, now: number): void => {
    if (loaded.selection.fingerprint !== selection?.fingerprint) generation += 1
    selection = loaded.selection
    lastSuccess = now
    lastFailure = undefined
    failures = 0
    reportDropped(loaded.dropped)
  }

  const expireIfDue = (now: number): void => {
    if (selection === undefined || lastSuccess === undefined || now < lastSuccess + usableMs(refresh)) return
    selection = undefined
    generation += 1
    armNoLater(now + retryDelay(refresh, 1, false, random))
    events.stateChanged(name, report())
  }

  const delayAfter = (loaded: Loaded | Failed, now: number): number => {
    if (loaded.ok) return refreshDelay(refresh, loaded.maxAgeMs, random)
    if (selection === undefined || lastSuccess === undefined) return retryDelay(refresh, failures, false, random)
    // A last attempt at the moment when the keys would expire.
    return Math.min(retryDelay(refresh, failures, true, random), lastSuccess + usableMs(refresh) - now)
  }

  const armNoLater = (at: number): void => {
    const now = clock.now()
    // A timer that is overdue slept with the machine, and would sleep on for what was left of it.
    if (closed || (at >= nextAt && nextAt > now)) return
    disarm()
    nextAt = at
    disarm = clock.after(Math.max(0, at - now), () => {
      nextAt = Number.POSITIVE_INFINITY
      void fetchOnce('schedule')
    })
  }

  const warnOnce = (message: string): void => {
    if (message !== lastWarning) events.warned(name, message)
    lastWarning = message
  }

  const unavailable = (now: number): Outcome<VerificationKey> => {
    const again = selection === undefined ? nextAt : Math.min(cooledDown, nextAt)
    const seconds = Number.isFinite(again) ? Math.max(1, Math.ceil((again - now) / 1000)) : 1
    return refuse({ reason: 'keys_unavailable', issuer: name, retryAfterSeconds: seconds })
  }

  /** The answer from what is here. */
  const settle = (hint: KeyHint, now: number): Outcome<VerificationKey> => {
    if (selection === undefined) return unavailable(now)
    const found = selection.find(hint)
    if (found.kind === 'key') return found.outcome
    if (found.kind === 'absent' && lastFailure !== undefined) return unavailable(now)
    return keyUnknown(name, found.kind, hint)
  }

  const lookAgain = async (hint: KeyHint, kid: string, cause: Promise<void>): Promise<Outcome<VerificationKey>> => {
    await cause
    const now = clock.now()
    const outcome = settle(hint, now)
    if (!outcome.ok && outcome.refusal.reason === 'key_unknown') unknownKids.missed(kid, now)
    return outcome
  }

  const started = fetchOnce('schedule')

  return {
    get state() {
      expireIfDue(clock.now())
      return state()
    },
    get generation() {
      expireIfDue(clock.now())
      return generation
    },
    resolve: (hint) => {
      const { kid } = hint
      const now = clock.now()
      if (kid !== undefined && kid.length > longestKid) return keyUnknown(name, 'absent', hint)
      expireIfDue(now)
      // Nothing to serve: wait for the flight that is under way, and start none. The back-off decides when.
      if (selection === undefined)
        return flight === undefined ? unavailable(now) : flight.then(() => settle(hint, clock.now()))
      const found = selection.find(hint)
      if (found.kind === 'key') return found.outcome
      // Where there is no set, the schedule alone looks whether there is one.
      if (found.kind !== 'absent' || kid === undefined || set === undefined) return settle(hint, now)
      events.unknownKid(name)
      if (flight !== undefined) return lookAgain(hint, kid, flight)
      if (now < cooledDown || !unknownKids.mayAsk(kid, now)) return settle(hint, now)
      return lookAgain(hint, kid, fetchOnce('kid'))
    },
    report: () => {
      expireIfDue(clock.now())
      return report()
    },
    started,
    reload: async () => {
      // A flight under way may have left before the key was removed.
      await flight
      await fetchOnce('schedule')
    },
    close: async () => {
      closed = true
      disarm()
      await client.close()
      await flight
    },
  }
}
