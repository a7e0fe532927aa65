import { createHash, randomBytes } from 'node:crypto'
import { LRUCache } from 'lru-cache'
import type { Outcome, Refusal } from '../../decision/refusal.ts'
import { refuse } from '../../decision/refusal.ts'
import type { HttpClient } from '../../keys/http-client.ts'
import type { ReadFile } from '../../keys/regular-file.ts'
import type { Store } from '../../store/store.ts'
import type { IntrospectionOptions } from '../options.ts'
import { generationOf, type Proof, type TrustedIssuer } from '../proof.ts'
import { type AskDeps, createAsk, type Failure } from './ask.ts'
import { type Credential, createCredentialFile, type NoCredential } from './credential-file.ts'
import { inTime, unlessLate } from './deadline.ts'
import { createGate, type Left } from './gate.ts'
import type { IntrospectionEvents, Introspector } from './introspector.ts'
import { proveAnswer, unavailable } from './prove-answer.ts'
import { createRefusedAnswers, refusedSeconds } from './refused-answers.ts'
import { createSharedAnswers } from './shared-answers.ts'

export interface IntrospectorDeps extends AskDeps {
  /** Closed with the introspector. */
  readonly client: Pick<HttpClient, 'post' | 'close'>
  /** For everything that one request waits for: our credential, its turn, and the call. */
  readonly timeoutMs: number
  readonly readFile: ReadFile
  /** Where replicas share answers. Not closed here. */
  readonly store: Store
  readonly events: IntrospectionEvents
  /** Milliseconds that never go back. */
  readonly monotonic: () => number
}

/** An introspector that can also be tried out. */
export interface ProbedIntrospector extends Introspector {
  /** Asks about a string that is no token. @returns what is wrong, for the operator, without secrets; undefined: nothing */
  probe(): Promise<string | undefined>
}

/** How often one fault with single tokens is told: anybody can cause it, and at will. */
const tellAgainMs = 60_000

/**
 * The introspector of one issuer. An answer `active` is kept by two others, the token cache of this process and the store
 * of all replicas; both end it `cacheMs` after the question, or at `exp` (IN-6). One that lets nobody in stays here, and
 * shorter; that a token is not active is told to the replicas too. A failure is never kept as an answer. At any time one call is under way for a token, and a bounded number for
 * all (IN-10).
 */
export const createIntrospector = (
  issuer: Omit<TrustedIssuer, 'introspection'>,
  options: IntrospectionOptions,
  deps: IntrospectorDeps,
): ProbedIntrospector => {
  const { name } = issuer
  const { events, now: clock, monotonic, timeoutMs } = deps
  const cacheSeconds = options.cacheMs / 1000
  const ask = createAsk(issuer, options, deps)
  const readCredential = createCredentialFile(options.credentialFile, monotonic, deps.readFile)
  const answers = createSharedAnswers(deps.store, issuer.issuer, options, events.degraded)
  const refused = createRefusedAnswers(cacheSeconds)
  // Half of the time at most, so that who enters has as much left for the call.
  const gate = createGate(timeoutMs / 2)
  const flights = new Map<string, { readonly from: number; readonly outcome: Promise<Outcome<Proof>> }>()
  /** What the last call failed with; undefined: it did not. */
  let failure: { readonly message: string; readonly refusal: Refusal } | undefined
  /** When a fault with a single token was told last. Few: there is one for each status and each useless member. */
  const told = new LRUCache<string, number>({ max: 50 })
  let closed = false

  const failed = ({ result, message, about }: Failure): Outcome<Proof> => {
    events.introspected(name, result)
    const { refusal } =
      result === 'credentials' ? refuse({ reason: 'internal', fault: message }) : unavailable(name, message)
    if (about === 'token') {
      const last = told.get(message)
      if (last === undefined || monotonic() - last >= tellAgainMs) {
        told.set(message, monotonic())
        events.warned(name, message)
      }
      return refuse(refusal)
    }
    if (failure?.message !== message && !closed) {
      if (result === 'credentials') events.credentialsRefused(name, message)
      else events.warned(name, message)
    }
    failure = { message, refusal }
    return refuse(refusal)
  }

  const inactive = (id: string, askedAt: number): Outcome<Proof> => {
    const refusal: Refusal = { reason: 'token_inactive', issuer: name }
    refused.set(id, askedAt, refusal)
    return refuse(refusal)
  }

  const busy = (refusal: Refusal): Outcome<Proof> => {
    events.introspected(name, 'busy')
    return refuse(refusal)
  }

  const credentialInTime = (signal: AbortSignal): Promise<Credential | NoCredential> => {
    const late: NoCredential = { ok: false, fault: `${options.credentialFile}: cannot be read in time` }
    return unlessLate(signal, readCredential(), late)
  }

  const call = async (
    id: string,
    token: string,
    credential: Credential,
    now: number,
    signal: AbortSignal,
  ): Promise<Outcome<Proof>> => {
    const entering = gate.enter(monotonic())
    const entered = await entering
    if (entered === 'full') return busy(unavailable(name, 'too many calls are under way').refusal)
    if (entered === 'shut') return busy(failure?.refusal ?? unavailable(name, 'the last calls failed').refusal)
    const generation = generationOf(trusted)
    const askedAt = clock()
    let left: Left = 'failed'
    try {
      const asked = await ask(token, credential, signal)
      if (asked.kind !== 'failed' || asked.about === 'token') left = 'answered'
      // Who had to wait had less time for the call than the issuer may take: a flood must not pass for an outage.
      else if (asked.result === 'timeout' && entering !== entered) left = 'unknown'
      switch (asked.kind) {
        case 'failed':
          return failed(asked)
        case 'inactive': {
          events.introspected(name, 'inactive')
          failure = undefined
          const endsAt = askedAt + refusedSeconds(cacheSeconds)
          await answers.set(token, credential, { askedAt, claims: { active: false } }, endsAt)
          return inactive(id, askedAt)
        }
        case 'active': {
          const { claims } = asked
          const proof = proveAnswer(trusted, options.cacheMs, claims, askedAt, now, generation)
          if (!proof.ok && proof.refusal.reason === 'introspection_unavailable') {
            return failed({ kind: 'failed', result: 'parse', message: proof.refusal.fault, about: 'token' })
          }
          events.introspected(name, 'active')
          failure = undefined
          if (proof.ok) await answers.set(token, credential, { askedAt, claims }, proof.value.lifetime.endsAt)
          else refused.set(id, askedAt, proof.refusal)
          return proof
        }
      }
    } finally {
      gate.left(left, monotonic())
    }
  }

  const find = async (id: string, token: string, now: number, signal: AbortSignal): Promise<Outcome<Proof>> => {
    const credential = await credentialInTime(signal)
    if (!credential.ok)
      return failed({ kind: 'failed', result: 'credentials', message: credential.fault, about: 'issuer' })
    const shared = cacheSeconds > 0 ? await answers.get(token, credential, now) : undefined
    if (shared === undefined) return call(id, token, credential, now, signal)
    events.introspected(name, 'cached')
    if (shared.claims.active !== true) return inactive(id, shared.askedAt)
    return proveAnswer(trusted, options.cacheMs, shared.claims, shared.askedAt, now, generationOf(trusted))
  }

  const settle = async (id: string, token: string, now: number): Promise<Outcome<Proof>> => {
    try {
      return await inTime(timeoutMs, (signal) => find(id, token, now, signal))
    } catch {
      // Whoever throws here breaks a promise. That is our fault, and it must not let anyone in.
      return refuse({ reason: 'internal' })
    }
  }

  const introspector: ProbedIntrospector = {
    introspect(token, now) {
      if (closed) return unavailable(name, 'closing')
      const id = createHash('sha256').update(token).digest('base64url')
      const known = refused.get(id, now)
      if (known !== undefined) {
        events.introspected(name, 'cached')
        return known
      }
      const underWay = flights.get(id)
      // An answer to a question that was asked too long ago would be too old when it comes.
      if (underWay !== undefined && now < underWay.from + cacheSeconds) return underWay.outcome
      const flight = { from: now, outcome: settle(id, token, now) }
      flights.set(id, flight)
      void flight.outcome.then(() => {
        if (flights.get(id) === flight) flights.delete(id)
      })
      return flight.outcome
    },
    probe: () =>
      inTime(timeoutMs, async (signal) => {
        const credential = await credentialInTime(signal)
        if (!credential.ok) return credential.fault
        const asked = await ask(randomBytes(32).toString('base64url'), credential, signal)
        switch (asked.kind) {
          case 'failed':
            return asked.message
          case 'active':
            return 'calls a random string an active token'
          case 'inactive':
            return undefined
        }
      }),
    close: async () => {
      closed = true
      gate.close()
      await deps.client.close()
      await Promise.all([...flights.values()].map(({ outcome }) => outcome))
    },
  }
  const trusted: TrustedIssuer = { ...issuer, introspection: introspector }
  return introspector
}
