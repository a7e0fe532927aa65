import type { Dispatcher } from 'undici'
import type { Grant } from '../decision/authorize.ts'
import { withoutQueryToken } from '../decision/credentials.ts'
import type { PublicPass } from '../decision/decide.ts'
import type { Refusal } from '../decision/refusal.ts'
import type { Cancel, Exchange } from './exchange.ts'
import { contentFault } from './handshake.ts'
import { identityHeaders } from './identity.ts'
import type { ReplicaOptions, UpstreamOptions } from './options.ts'
import type { Lease, UpstreamPool, Wanted } from './pool.ts'
import { createRelay } from './relay.ts'
import type { RequestHeaders } from './request-headers.ts'
import type { ResponseHeaders } from './response-headers.ts'
import { placeAgain } from './retry.ts'
import type { Tunnels } from './tunnel.ts'

/** Sends requests to the upstreams of granted resources, and nothing to anyone else. */
export interface Forwarder {
  /** Returns how to give the exchange up before its head was sent: aborts upstream, then `onRefused`. */
  forward(permission: Grant | PublicPass, exchange: Exchange): Cancel
}

/** By `Resource.index`. */
export type Upstreams = readonly { readonly options: UpstreamOptions; readonly pool: UpstreamPool }[]

interface Headers {
  readonly request: RequestHeaders
  readonly response: ResponseHeaders
}

/** @param now milliseconds that only grow */
export const createForwarder = (
  upstreams: Upstreams,
  headers: Headers,
  tunnels: Pick<Tunnels, 'open'>,
  now: () => number,
): Forwarder => ({
  forward: (permission, exchange) => {
    const upstream = upstreams[permission.match.resource.index]
    if (!upstream) {
      exchange.onRefused({ reason: 'internal' })
      return ignore
    }
    const { options, pool } = upstream
    if (exchange.upgrade && options.websocket) {
      const { websocket } = options
      return tunnels.open(permission, exchange, exchange.upgrade, { options, websocket, pool, headers, now })
    }
    const fault = options.websocket && contentFault(exchange)
    if (fault) {
      exchange.onRefused(fault)
      return ignore
    }
    return attemptInTurn(permission, exchange, { options, pool, headers, now })
  },
})

/** The upstream of a request, and what is needed to send it there. */
export interface Way {
  readonly options: UpstreamOptions
  readonly pool: UpstreamPool
  readonly headers: Headers
  readonly now: () => number
}

/**
 * One attempt after the other, until there is an answer or no way to go on; then the refusal is that of the last attempt
 * (HS-16). No attempt begins when the time for the response is over, and the last one has only what is left of it.
 *
 * @param asSent what goes on the connection instead of the plain request
 */
export const attemptInTurn = (
  permission: Grant | PublicPass,
  exchange: Exchange,
  way: Way,
  asSent: (plain: Sent, lease: Lease) => Sent = asItIs,
): Cancel => {
  const { options, pool, headers, now } = way
  const { request, hasBody } = exchange
  const { method = '' } = request
  let leave = ignore
  const relay = createRelay(exchange, options, headers.response, 'token' in permission, () => leave())
  const since = options.retries > 0 ? now() : 0
  const leftMs = (): number => Math.ceil(options.timeouts.responseMs - (now() - since))
  let attempts = 0
  /** @returns why there is no attempt */
  const attempt = (
    tried: readonly ReplicaOptions[],
    elsewhere: boolean,
    before: Refusal | undefined,
  ): Refusal | undefined => {
    const mine = ++attempts
    const taken = pool.dispatch({
      tried,
      elsewhere,
      waitMs: before && Math.max(leftMs(), 1),
      send: (lease) => {
        if (before && leftMs() <= 0) {
          relay.cancel(before)
          return undefined
        }
        leave = lease.cut
        const handler = relay.attempt({
          ended: lease.ended,
          failed: (refusal, sent, heard) => {
            if (mine > options.retries || leftMs() <= 0) return false
            const place = placeAgain({ method, hasBody, refusal, sent, heard, reused: lease.reused })
            if (place === undefined) return false
            return attempt([...tried, lease.replica], place === 'elsewhere', refusal) === undefined
          },
        })
        const sent = requestTo(lease.replica, permission, exchange, options, headers.request)
        return asSent({ options: before ? { ...sent, headersTimeout: Math.max(leftMs(), 1) } : sent, handler }, lease)
      },
      overdue: (refusal) => relay.cancel(before ?? refusal),
    })
    if (typeof taken !== 'function') return taken
    // Within the call it may have failed, and the next attempt begun.
    if (mine === attempts) leave = taken
    return undefined
  }
  const refusal = attempt(none, false, undefined)
  if (refusal) relay.cancel(refusal)
  return relay.cancel
}

type Sent = NonNullable<ReturnType<Wanted['send']>>

const asItIs = (plain: Sent): Sent => plain
const ignore = (): void => undefined
const none: readonly ReplicaOptions[] = []

/** What goes to a replica: the request as it was authorised, and nothing of the client that only we may say. */
const requestTo = (
  replica: ReplicaOptions,
  permission: Grant | PublicPass,
  exchange: Pick<Exchange, 'request' | 'hasBody' | 'nominated' | 'hop' | 'query' | 'trace' | 'maxForwards'>,
  options: UpstreamOptions,
  headers: RequestHeaders,
): Dispatcher.DispatchOptions => {
  const granted = 'token' in permission ? permission : undefined
  const { request, query } = exchange
  return {
    method: request.method as Dispatcher.HttpMethod,
    path: upstreamPath(replica.basePath, permission.match.suffix) + (granted ? query : withoutQueryToken(query)),
    headers: headers({
      raw: request.rawHeaders,
      nominated: exchange.nominated,
      authority: replica.authority,
      // A credential that nobody verified is not handed on: on a public route there is none (FW-8, MC-4).
      keepAuthorization: granted !== undefined && options.authorization === 'forward',
      // Behind the gateway nothing tells a cache any more that an answer was made for one client (CA-3).
      noStore: granted !== undefined && options.authorization === 'strip',
      hop: exchange.hop,
      trace: exchange.trace,
      maxForwards: exchange.maxForwards,
      identity: granted ? identityHeaders(options.identityHeaders, granted) : noFields,
    }),
    body: exchange.hasBody ? request : null,
  }
}

const noFields: readonly string[] = []

/**
 * Base path and suffix with exactly one `/` between them, by concatenation only: a request path is never resolved as
 * a reference (RT-13, UR-20). Both parts are canonical, so their sum is.
 *
 * @param basePath `''`, or from a `/` on
 * @param suffix `''`, or from a `/` on
 */
export const upstreamPath = (basePath: string, suffix: string): string => {
  if (suffix === '') return basePath === '' ? '/' : basePath
  return basePath.endsWith('/') ? basePath.slice(0, -1) + suffix : basePath + suffix
}
