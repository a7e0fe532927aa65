import type { IncomingMessage, ServerResponse } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import type { Grant } from '../decision/authorize.ts'
import { withoutQueryToken } from '../decision/credentials.ts'
import type { PublicPass } from '../decision/decide.ts'
import type { Refusal } from '../decision/refusal.ts'
import { refusalOf } from './failure.ts'
import { holdBack } from './hold-back.ts'
import { identityHeaders } from './identity.ts'
import type { UpstreamOptions } from './options.ts'
import type { Place, UpstreamPool } from './pool.ts'
import type { Hop, RequestHeaders } from './request-headers.ts'
import { type ResponseHeaders, relayableTrailers } from './response-headers.ts'

/** What is forwarded, and how its course is told. The callbacks must not throw. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly hasBody: boolean
  readonly nominated: ReadonlySet<string> | undefined
  readonly hop: Hop
  /** Byte for byte as the client sent it; not part of any decision. */
  readonly query: string
  /** Bytes of request content that may pass; 0 = no limit (HS-22). */
  readonly bodySize: number
  /** The head of the upstream's answer has come. */
  readonly onAnswer: () => void
  /** Our head with this status was written. */
  readonly onHead: (status: number) => void
  readonly onBytes: (direction: 'in' | 'out', count: number) => void
  /** Nothing was sent to the client yet: the caller answers. Called at most once, and then nothing else. */
  readonly onRefused: (refusal: Refusal) => void
  /** The client has everything, or the stream broke after the head. Called at most once, and then nothing else. */
  readonly onEnd: (broken: 'client' | 'upstream' | undefined) => void
}

/** Sends requests to the upstreams of granted resources, and nothing to anyone else. */
export interface Forwarder {
  /** Returns how to give the exchange up before its head was sent: aborts upstream, then `onRefused`. */
  forward(permission: Grant | PublicPass, exchange: Exchange): Cancel
}

export type Cancel = (refusal: Refusal) => void

/**
 * @param upstreams by `Resource.index`
 * @param now milliseconds, monotonic
 */
export const createForwarder = (
  upstreams: readonly { readonly options: UpstreamOptions; readonly pool: UpstreamPool }[],
  headers: { readonly request: RequestHeaders; readonly response: ResponseHeaders },
): Forwarder => ({
  forward: (permission, exchange) => {
    const { match } = permission
    const upstream = upstreams[match.resource.index]
    if (!upstream) {
      exchange.onRefused({ reason: 'internal' })
      return ignore
    }
    const { options, pool } = upstream
    const granted = 'token' in permission ? permission : undefined
    const dispatch: Dispatcher.DispatchOptions = {
      method: exchange.request.method as Dispatcher.HttpMethod,
      path:
        upstreamPath(options.basePath, match.suffix) + (granted ? exchange.query : withoutQueryToken(exchange.query)),
      headers: headers.request({
        raw: exchange.request.rawHeaders,
        nominated: exchange.nominated,
        authority: options.authority,
        // A credential that nobody verified is not handed on: on a public route there is none (FW-8, MC-4).
        keepAuthorization: granted !== undefined && options.authorization === 'forward',
        hop: exchange.hop,
        identity: granted ? identityHeaders(options.identityHeaders, granted) : none,
      }),
      body: exchange.hasBody ? exchange.request : null,
    }
    let cancel = ignore
    const taken = pool.dispatch(dispatch, (place) => {
      const relayed = relay(exchange, options, headers.response, place)
      cancel = relayed.cancel
      return { handler: relayed.handler, overdue: () => cancel({ reason: 'upstream_overloaded' }) }
    })
    if (!taken) exchange.onRefused({ reason: 'upstream_overloaded' })
    return cancel
  },
})

const ignore: Cancel = () => undefined

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

const none: readonly string[] = []

/** Streams one answer back: head, content with back-pressure, trailers; aborts in both directions. */
const relay = (
  exchange: Exchange,
  options: UpstreamOptions,
  responseHeaders: ResponseHeaders,
  place: Place,
): { readonly handler: Dispatcher.DispatchHandler; readonly cancel: Cancel } => {
  const { request, response } = exchange
  // undici takes it away from a request whose content it has read.
  const { socket } = request
  let controller: Dispatcher.DispatchController | undefined
  // `answered`: all content was handed on; what is still awaited is the client.
  let phase: 'waiting' | 'streaming' | 'answered' | 'over' = 'waiting'
  let length = Number.NaN
  let sent = 0
  let interim = 0

  const refuse = (refusal: Refusal): void => {
    if (phase !== 'waiting') return
    phase = 'over'
    response.off('close', onClose)
    exchange.onRefused(refusal)
  }
  const end = (broken: 'client' | 'upstream' | undefined): void => {
    if (phase === 'over') return
    phase = 'over'
    exchange.onEnd(broken)
  }
  const abort = (): void => {
    if (controller) controller.abort(new errors.RequestAbortedError())
    else place.leave()
  }
  // The client is gone, or has everything: whatever still runs towards the upstream ends now (HS-27).
  const onClose = (): void => {
    if (phase === 'over') return
    const whole = response.writableFinished
    end(whole ? undefined : 'client')
    if (!whole) abort()
  }
  const cancel: Cancel = (refusal) => {
    if (phase !== 'waiting') return
    refuse(refusal)
    abort()
  }
  const refuseAnswer = (fault: string): void => cancel({ reason: 'upstream_invalid', fault })
  response.on('close', onClose)

  const handler: Dispatcher.DispatchHandler = {
    onRequestStart: (started) => {
      controller = started
      if (phase === 'over') started.abort(new errors.RequestAbortedError())
    },
    onResponseStart: (running, status, parsed, statusText) => {
      if (phase !== 'waiting') return
      // Interim answers (102, 103) are not relayed, and each gives the upstream its time anew: not for ever (HS-12).
      if (status < 200) {
        interim++
        if (interim > interimAtMost) refuseAnswer('a flood of interim answers')
        return
      }
      exchange.onAnswer()
      // In strip mode the upstream saw no credential: its challenge would only send the client in circles (BR-20).
      if (status === 401 && options.authorization === 'strip') {
        return refuseAnswer('401 although `authorization: strip` sends it no credential')
      }
      if (status > 599) return refuseAnswer('a status above 599')
      const raw = responseHeaders(rawList(running.rawHeaders), status, exchange.hop.requestId)
      // What is left of the request would be read as the start of the next one: the connection ends here (H1-19).
      if (exchange.hasBody && !request.complete) response.shouldKeepAlive = false
      try {
        response.writeHead(status, statusText ?? '', raw)
      } catch {
        return refuseAnswer('a status line or field that must not be relayed')
      }
      phase = 'streaming'
      length = Number(parsed['content-length'])
      exchange.onHead(status)
    },
    onResponseData: (running, chunk) => {
      if (phase !== 'streaming') return
      exchange.onBytes('out', chunk.length)
      // A short answer that came whole leaves with its head in one write: as latin1 text, which keeps every octet.
      if (chunk.length === length && length <= shortAnswer) {
        phase = 'answered'
        response.end(chunk.toString('latin1'), 'latin1')
        return
      }
      if (response.write(chunk)) return
      holdBack(running, { socket, response }, options.timeouts.idleMs)
    },
    onResponseEnd: (running) => {
      place.ended()
      if (phase !== 'streaming') return
      const trailers = relayableTrailers(rawList(running.rawTrailers))
      if (trailers.length > 0) response.addTrailers(trailers)
      response.end()
    },
    onResponseError: (_running, error) => {
      place.ended()
      if (phase === 'waiting') return refuse(request.errored ? clientGone : refusalOf(error, controller !== undefined))
      if (phase !== 'streaming') return
      // A truncated answer is never presented as complete: no last chunk, no clean end (H1-21).
      end(request.errored ? 'client' : 'upstream')
      // To a client of HTTP/1.0 the end of the connection is the end of the content: only a reset says otherwise.
      if (request.httpVersionMinor === 0) socket.resetAndDestroy()
      else response.destroy()
    },
    onBodySent: (chunk: Buffer) => {
      sent += chunk.length
      exchange.onBytes('in', chunk.length)
      if (exchange.bodySize === 0 || sent <= exchange.bodySize) return
      cancel({ reason: 'body_too_large', limit: exchange.bodySize })
    },
  }
  return { handler, cancel }
}

const interimAtMost = 32

/** Up to here a copy is cheaper than a second buffer in a write. */
const shortAnswer = 8192

/** The content broke off or was no valid framing: the parser has answered, or nobody is there to be answered. */
const clientGone: Refusal = { reason: 'request_malformed', fault: 'the content broke off' }

const rawList = (raw: unknown): readonly (Buffer | string)[] => (Array.isArray(raw) ? raw : [])
