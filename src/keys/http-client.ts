import { Agent, request } from 'undici'
import type { FetchResult } from './key-source.ts'

/** Everything but a success: the metric label of a fetch that brought nothing. */
export type FetchFault = Exclude<FetchResult, 'ok' | 'not_modified'>

export interface Failed {
  readonly ok: false
  readonly result: FetchFault
  /** For the operator. Names the URL without its query, never a body. */
  readonly message: string
  /** Of an answer that is none; absent: there was no answer. */
  readonly status?: number
}

export interface Answer {
  readonly ok: true
  readonly status: 200 | 304
  /** Media type in lower case, without parameters; `''` when absent. */
  readonly mediaType: string
  readonly etag: string | undefined
  /** `max-age` of Cache-Control less `Age`; undefined: not said, or not positive. */
  readonly maxAgeSeconds: number | undefined
  readonly body: Uint8Array
}

export interface GetOptions {
  readonly accept: string
  readonly etag: string | undefined
  /** Ends the exchange, body included. A `TimeoutError` as its reason counts as `timeout`. */
  readonly signal: AbortSignal
}

export interface PostOptions {
  /** Already in the form encoding. */
  readonly body: string
  /** Beside those of the client: the credentials. In lower case. */
  readonly headers: Readonly<Record<string, string>>
  readonly accept: string
  /** As in {@link GetOptions}. */
  readonly signal: AbortSignal
}

/** An answer to a form, those with an OAuth error included: the caller tells them apart. */
export interface PostAnswer {
  readonly ok: true
  readonly status: 200 | 400 | 401 | 403
  /** As in {@link Answer}. */
  readonly mediaType: string
  readonly body: Uint8Array
}

/** A form that brought nothing. */
export interface PostFailed extends Failed {
  /** The connection broke, as one does that the server closes in the moment in which it is used again. */
  readonly broken: boolean
}

/** Requests to an authorization server. Never rejects. */
export interface HttpClient {
  get(url: string, options: GetOptions): Promise<Answer | Failed>
  /** Sends a form, and never twice: what is in it may count only once, as a client assertion does. */
  post(url: string, options: PostOptions): Promise<PostAnswer | PostFailed>
  /** Aborts what is in flight. */
  close(): Promise<void>
}

/** A key set has a few kB; jose alone took one of 40 MB (attacks 1.10, AS-6). */
const longestBody = 512 * 1024

interface Received<Status extends number> {
  readonly ok: true
  readonly status: Status
  readonly mediaType: string
  /** The value of a field; `''` when absent. */
  readonly field: (name: string) => string
  readonly body: Uint8Array
}

/**
 * A client that follows no redirect, sends no cookie and no credential but those of a form, reads at most 512 KiB, and
 * verifies certificates always. Which URL may be asked is the caller's check, see {@link urlFault}.
 * @param ca PEM text of the only CA that counts; undefined: the CAs of Node
 * @param keepAlive keeps connections for the next request: right where requests wait for the answers, useless between
 *   two refreshes, when it would only go stale
 */
export const createHttpClient = (
  ca: string | undefined,
  timeoutMs: number,
  { keepAlive }: { readonly keepAlive: boolean } = { keepAlive: false },
): HttpClient => {
  const closing = new AbortController()
  const agent = new Agent({
    pipelining: keepAlive ? 1 : 0,
    allowH2: false,
    maxResponseSize: longestBody,
    // Said aloud, so that no environment variable can turn it off (AS-5).
    connect: { timeout: timeoutMs, rejectUnauthorized: true, ...(ca === undefined ? {} : { ca }) },
  })

  const exchange = async <Status extends number>(
    url: string,
    { signal, accept }: { readonly signal: AbortSignal; readonly accept: string },
    sent: { readonly method: 'GET' | 'POST'; readonly headers: Readonly<Record<string, string>>; body?: string },
    wanted: readonly Status[],
  ): Promise<Received<Status> | PostFailed> => {
    try {
      const { statusCode, headers, body } = await request(url, {
        ...sent,
        dispatcher: agent,
        signal: AbortSignal.any([signal, closing.signal]),
        headers: { accept, 'accept-encoding': 'identity', 'user-agent': 'audgate', ...sent.headers },
      })
      const status = wanted.find((one) => one === statusCode)
      if (status === undefined) {
        body.on('error', () => undefined).destroy()
        return { ...failed('http', url, statusFault(statusCode)), status: statusCode, broken: false }
      }
      const field = (name: string): string => single(headers[name])
      const mediaType = (field('content-type').split(';')[0] ?? '').trim().toLowerCase()
      return { ok: true, status, mediaType, field, body: new Uint8Array(await body.arrayBuffer()) }
    } catch (cause) {
      // undici and the sockets below it insist on exceptions: this is where they become values.
      if (closing.signal.aborted) return { ...failed('connect', url, 'given up: closing'), broken: false }
      return { ...thrown(url, cause, signal), broken: /^(UND_ERR_SOCKET|ECONNRESET|EPIPE)$/.test(codeOf(cause)) }
    }
  }

  return {
    get: async (url, { etag, ...options }) => {
      const headers = etag === undefined ? {} : { 'if-none-match': etag }
      const wanted = etag === undefined ? ([200] as const) : ([200, 304] as const)
      const got = await exchange<200 | 304>(url, options, { method: 'GET', headers }, wanted)
      if (!got.ok) return plain(got)
      const { status, mediaType, field, body } = got
      return {
        ok: true,
        status,
        mediaType,
        etag: field('etag') || undefined,
        maxAgeSeconds: maxAge(field('cache-control'), field('age')),
        body,
      }
    },
    post: async (url, { body, headers, ...options }) => {
      const form = { 'content-type': 'application/x-www-form-urlencoded', ...headers }
      const got = await exchange(url, options, { method: 'POST', headers: form, body }, [200, 400, 401, 403])
      return got.ok ? { ok: true, status: got.status, mediaType: got.mediaType, body: got.body } : got
    },
    close: async () => {
      closing.abort()
      await agent.destroy()
    },
  }
}

/**
 * Why this URL may not be asked (AS-5, AS-6), or undefined. `https`, or `http` where that cannot leave the machine or
 * the operator wrote `dangerously_allow_http`. Looks at no network: a name that resolves to an inner address passes.
 */
export const urlFault = (url: string, allowHttp: boolean): string | undefined => {
  const parsed = URL.parse(url)
  if (parsed === null) return 'is not an absolute URL'
  if (parsed.username !== '' || parsed.password !== '') return 'carries credentials'
  if (parsed.protocol === 'https:') return undefined
  if (parsed.protocol !== 'http:') return `has the scheme ${parsed.protocol} where https: is needed`
  return allowHttp || isLoopback(parsed.hostname) ? undefined : 'is plain http beyond loopback'
}

/** The URL as it may be shown: a query can hold an API key. */
export const shownUrl = (url: string): string => (url.split(/[?#]/, 1)[0] ?? '').slice(0, 300)

export const failed = (result: FetchFault, url: string, fault: string): Failed => ({
  ok: false,
  result,
  message: `${shownUrl(url)}: ${fault}`,
})

const plain = ({ broken: _, ...failure }: PostFailed): Failed => failure

const isLoopback = (host: string): boolean =>
  host === 'localhost' || host === '[::1]' || /^127(\.\d{1,3}){3}$/.test(host)

const single = (value: string | string[] | undefined): string =>
  Array.isArray(value) ? value.join(', ') : (value ?? '')

const statusFault = (status: number): string =>
  status >= 300 && status < 400 ? `answered ${status}, and redirects are not followed` : `answered ${status}`

const maxAge = (cacheControl: string, age: string): number | undefined => {
  const stated = /(?:^|[\s,])max-age="?(\d{1,9})/i.exec(cacheControl)?.[1]
  if (stated === undefined) return undefined
  const left = Number(stated) - (/^\d{1,9}$/.test(age) ? Number(age) : 0)
  return left > 0 ? left : undefined
}

const thrown = (url: string, cause: unknown, signal: AbortSignal): Failed => {
  if (signal.aborted) return failed('timeout', url, 'no complete answer in time')
  const code = codeOf(cause)
  return failed(resultOf(code), url, code === '' ? 'failed' : `failed with ${code}`)
}

const codeOf = (error: unknown): string => {
  if (!(error instanceof Error)) return ''
  if ('code' in error && typeof error.code === 'string') return error.code
  // Happy eyeballs: one error for each address.
  return error instanceof AggregateError ? codeOf(error.errors[0]) : codeOf(error.cause)
}

const resultOf = (code: string): FetchFault => {
  if (code === 'UND_ERR_RES_EXCEEDED_MAX_SIZE' || code === 'UND_ERR_HEADERS_OVERFLOW') return 'too_large'
  if (/^(UND_ERR_(CONNECT|HEADERS|BODY)_TIMEOUT|ETIMEDOUT)$/.test(code)) return 'timeout'
  if (/CERT|SIGNATURE|ISSUER|^ERR_(SSL|TLS)_|^EPROTO$|^HOSTNAME_MISMATCH$|^CRL_|^INVALID_CA$/.test(code)) return 'tls'
  return code.startsWith('HPE_') ? 'http' : 'connect'
}
