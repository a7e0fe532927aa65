import { createRemoteJWKSet, customFetch } from 'jose'
import { type Failed, failed, type HttpClient } from './http-client.ts'
import { readJsonObject } from './json-object.ts'
import { createSelection, type Selection } from './selection.ts'
import { type DroppedKey, type Vetted, vetKeys } from './vet.ts'

export interface Loaded {
  readonly ok: true
  readonly result: 'ok' | 'not_modified'
  readonly selection: Selection
  readonly dropped: readonly DroppedKey[]
  readonly maxAgeMs: number | undefined
}

/** The key set at one URL. */
export interface RemoteSet {
  readonly url: string
  /** Fetches once. Never rejects. Not to be called again before it has settled. */
  load(): Promise<Loaded | Failed>
}

export interface RemoteSetOptions {
  readonly url: string
  readonly algorithms: readonly string[]
  readonly timeoutMs: number
}

interface Fetched {
  readonly etag: string | undefined
  readonly maxAgeMs: number | undefined
  readonly vetted: Vetted
}

/**
 * jose's remote key set, with its own clocks stopped: `cacheMaxAge` and `cooldownDuration` are infinite, so that only
 * `reload()` ever fetches, and this project decides when (jose's cooldown counts from the last success, and its cache
 * ends while the server is down: AS-9, AS-10). Its `customFetch` is our bounded GET, and what that hands on is the
 * vetted set: jose never sees a key that may not verify. An empty set is a failed fetch, and jose keeps what it had.
 */
export const createRemoteSet = ({ url, algorithms, timeoutMs }: RemoteSetOptions, client: HttpClient): RemoteSet => {
  let fetched: Fetched | undefined
  let built: { readonly from: Vetted; readonly selection: Selection } | undefined

  const keys = createRemoteJWKSet(new URL(url), {
    cacheMaxAge: Number.POSITIVE_INFINITY,
    cooldownDuration: Number.POSITIVE_INFINITY,
    timeoutDuration: timeoutMs,
    [customFetch]: async (href, { headers, signal }) => {
      const answer = await client.get(href, { accept: headers.get('accept') ?? '*/*', etag: fetched?.etag, signal })
      if (!answer.ok) throw new FetchFailed(answer)
      const maxAgeMs = answer.maxAgeSeconds === undefined ? undefined : answer.maxAgeSeconds * 1000
      fetched =
        answer.status === 304 && fetched !== undefined
          ? { ...fetched, maxAgeMs }
          : { etag: answer.etag, maxAgeMs, vetted: await readSet(href, answer.body, algorithms) }
      return Response.json({ keys: fetched.vetted.keys.map(({ jwk }) => jwk) })
    },
  })

  const select = async ({ vetted, maxAgeMs }: Fetched): Promise<Loaded> => {
    const known = built?.from === vetted ? built : undefined
    built = known ?? { from: vetted, selection: await createSelection(keys, vetted) }
    const result = known === undefined ? 'ok' : 'not_modified'
    return { ok: true, result, selection: built.selection, dropped: vetted.dropped, maxAgeMs }
  }

  return {
    url,
    load: async () => {
      try {
        await keys.reload()
        return fetched === undefined ? failed('parse', url, 'brought nothing') : await select(fetched)
      } catch (error) {
        // jose insists on exceptions; what is not ours is its view that the set or a key in it is malformed.
        return error instanceof FetchFailed ? error.failure : failed('parse', url, 'is no key set that can be used')
      }
    },
  }
}

/** Carries a failure through jose, which takes rejections only. */
class FetchFailed extends Error {
  readonly failure: Failed
  constructor(failure: Failed) {
    super(failure.message)
    this.name = 'FetchFailed'
    this.failure = failure
  }
}

const readSet = async (url: string, body: Uint8Array, algorithms: readonly string[]): Promise<Vetted> => {
  const keys = readJsonObject(body)?.keys
  if (!Array.isArray(keys)) throw new FetchFailed(failed('parse', url, 'is not a JSON object with a list of keys'))
  const vetted = await vetKeys(keys, algorithms)
  if (vetted.keys.length === 0) throw new FetchFailed(failed('empty', url, noUsableKey(vetted)))
  return vetted
}

/** What to tell of a set without a usable key. */
export const noUsableKey = ({ dropped }: Vetted): string =>
  ['has no usable key', ...dropped.slice(0, 3).map(({ kid, why }) => `${kid ?? '(no kid)'}: ${why}`)].join('; ')
