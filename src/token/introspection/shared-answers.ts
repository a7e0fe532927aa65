import { createHmac } from 'node:crypto'
import type { Store, Stored } from '../../store/store.ts'
import { equalTexts } from '../equal-texts.ts'
import { type JsonObject, readJsonObject } from '../json.ts'
import type { IntrospectionOptions } from '../options.ts'
import type { Credential } from './credential-file.ts'
import { refusedSeconds } from './refused-answers.ts'

/** An answer, and when the question was asked: everything that counts is computed from that instant. */
export interface SharedAnswer {
  /** Seconds since the epoch. */
  readonly askedAt: number
  /** Nothing but `active: false` of a token that is not: only `true` lets anybody in (IN-4). */
  readonly claims: JsonObject
}

/** Answers that replicas tell each other. A store that fails is a miss, never an answer. Never rejects. */
export interface SharedAnswers {
  /** One that is not older than `cache` allows at `now`. */
  get(token: string, credential: Credential, now: number): Promise<SharedAnswer | undefined>
  /** @param endsAt when the answer ends, in seconds since the epoch */
  set(token: string, credential: Credential, answer: SharedAnswer, endsAt: number): Promise<void>
}

/**
 * Keeps answers of one issuer in the store. The key is an HMAC of the token, under a key made of our own credential
 * and the issuer: who reads the store can test no guess (operations 5.1), and no two issuers, nor two tokens, meet
 * (attacks 2.6 row 15). The value carries an HMAC too, bound to its key: who writes into the store cannot make a token.
 *
 * @param degraded called when the store could not be asked
 */
export const createSharedAnswers = (
  store: Store,
  issuer: string,
  { clientId, response, cacheMs }: IntrospectionOptions,
  degraded: () => void,
): SharedAnswers => {
  const cacheSeconds = cacheMs / 1000
  let derived: { readonly from: Credential; readonly key: Buffer } | undefined

  const keyOf = (credential: Credential): Buffer => {
    if (derived?.from !== credential) {
      const context = JSON.stringify(['audgate introspection', issuer, clientId, response])
      derived = { from: credential, key: hmac(credential.text, context) }
    }
    return derived.key
  }

  const told = <T>(stored: Stored<T>): Stored<T> => {
    if (!stored.ok) degraded()
    return stored
  }

  return {
    get: async (token, credential, now) => {
      const key = keyOf(credential)
      const entry = entryOf(key, token)
      const stored = told(await store.get(entry))
      if (!stored.ok || stored.value === undefined) return undefined
      const answer = opened(stored.value, key, entry)
      // By our own `cache`, whatever that of the replica was that wrote it; from the future is a clock that is wrong.
      if (answer === undefined || answer.askedAt > now) return undefined
      const seconds = answer.claims.active === true ? cacheSeconds : refusedSeconds(cacheSeconds)
      return now < answer.askedAt + seconds ? answer : undefined
    },
    set: async (token, credential, { askedAt, claims }, endsAt) => {
      const ttlMs = Math.floor((endsAt - askedAt) * 1000)
      if (ttlMs <= 0) return
      const key = keyOf(credential)
      const entry = entryOf(key, token)
      const json = JSON.stringify({ askedAt, claims })
      told(await store.set(entry, `${sealOf(key, entry, json)}.${json}`, ttlMs))
    },
  }
}

const entryOf = (key: Buffer, token: string): string => `ag:intro:${hmac(key, `key ${token}`).toString('base64url')}`

/** The entry has a fixed length, so the two parts cannot be cut otherwise. */
const sealOf = (key: Buffer, entry: string, json: string): string =>
  hmac(key, `value ${entry} ${json}`).toString('base64url')

const opened = (value: string, key: Buffer, entry: string): SharedAnswer | undefined => {
  const dot = value.indexOf('.')
  const json = value.slice(dot + 1)
  if (!equalTexts(value.slice(0, Math.max(dot, 0)), sealOf(key, entry, json))) return undefined
  const read = readJsonObject(Buffer.from(json), 'claims')
  if (!read.ok) return undefined
  const { askedAt, claims } = read.value
  if (typeof askedAt !== 'number' || typeof claims !== 'object' || claims === null) return undefined
  return { askedAt, claims: Object.assign(Object.create(null), claims) }
}

const hmac = (key: string | Buffer, text: string): Buffer => createHmac('sha256', key).update(text).digest()
