import { STATUS_CODES } from 'node:http'
import { type Dispatcher, errors } from 'undici'
import type { Refusal } from '../decision/refusal.ts'
import type { Attempt, Cancel, Exchange, Relay } from './exchange.ts'
import { refusalOf } from './failure.ts'
import { createPatience, type Patience } from './hold-back.ts'
import { createRelayInterim, type RelayInterim } from './interim.ts'
import { keepContent } from './keep-content.ts'
import type { UpstreamOptions } from './options.ts'
import { type ResponseHeaders, relayableTrailers } from './response-headers.ts'
import { announceTrailers, lastChunk } from './trailers.ts'
import { unwatchClose, watchClose } from './watch-close.ts'

/**
 * Streams one answer back: head, content with back-pressure, trailers; aborts in both directions.
 *
 * @param personal the answer was made for the holder of a token: no shared cache may give it to others (CA-2)
 * @param leave the request is not wanted any more, and no attempt has begun to go: out of the queue, or cut on the way
 */
export const createRelay = (
  exchange: Exchange,
  options: UpstreamOptions,
  responseHeaders: ResponseHeaders,
  personal: boolean,
  leave: () => void,
): Relay => {
  const { request, response } = exchange
  // undici takes it away from a request whose content it has read.
  const { socket } = request
  let controller: Dispatcher.DispatchController | undefined
  // `answered`: all content was handed on; what is still awaited is the client.
  let phase: 'waiting' | 'streaming' | 'answered' | 'over' = 'waiting'
  let length = Number.NaN
  // Whether our head lies in Node's buffers still, to leave with the first content.
  let unsent = false
  // Whether the answer came before all content of the request did.
  let early = false
  // Whether an octet of an answer came. There is no other attempt after that.
  let heard = false
  let sent = 0
  let relayInterim: RelayInterim | undefined
  let patience: Patience | undefined

  const end = (broken: 'client' | 'upstream' | undefined, fault?: Refusal): void => {
    if (phase === 'over') return
    phase = 'over'
    exchange.onEnd(broken, fault)
  }
  const abort = (): void => {
    if (controller) controller.abort(new errors.RequestAbortedError())
    else leave()
  }
  // The client is gone, or has everything: whatever still runs towards the upstream ends now (HS-27).
  const onClose = (): void => {
    if (phase === 'over') return
    const whole = response.writableFinished
    end(whole ? undefined : 'client')
    if (!whole) abort()
  }
  const refuse = (refusal: Refusal): void => {
    if (phase !== 'waiting') return
    phase = 'over'
    unwatchClose(response)
    if (exchange.hasBody && !request.complete) keepContent(request)
    exchange.onRefused(refusal)
  }
  const cancel: Cancel = (refusal) => {
    if (phase !== 'waiting') return
    refuse(refusal)
    abort()
  }
  const refuseAnswer = (fault: string): void => cancel({ reason: 'upstream_invalid', fault })
  watchClose(response, onClose)

  const patient = (): Patience => {
    patience ??= createPatience({ socket, response }, options.timeouts.idleMs)
    return patience
  }

  const headersOf = (running: Dispatcher.DispatchController, status: number): string[] =>
    responseHeaders(rawList(running.rawHeaders), status, exchange.hop.requestId, personal)

  // A head without content behind it would wait for that: events may come in an hour, their head comes now (WS-12).
  // As latin1 text: `flushHeaders` would write it as UTF-8 (HS-15).
  const flushHead = (): void => {
    if (unsent && phase === 'streaming') response.write('', 'latin1')
    unsent = false
  }

  // The client is still sending. Node would close the connection behind the answer, unread octets would make a reset of
  // that, and the client would lose what it has not read yet. So we only end our side of it, and read on for a while
  // (RFC 9112 section 9.6, H1-19).
  const endOurSide = (trailers: readonly [string, string][]): void => {
    if (unsent) {
      // Where there is no content, only this sends the head; and as UTF-8, if the connection knew no better.
      socket.setDefaultEncoding('latin1')
      response.flushHeaders()
    }
    phase = 'answered'
    // What was written in this turn of the event loop leaves with its end.
    process.nextTick(() => {
      socket.end(lastChunk(response, trailers), 'latin1', () => {
        if (socket.destroyed) return
        end(undefined)
        exchange.dropRest(() => socket.destroy())
      })
      if (socket.writableLength > 0) patient().watch()
    })
  }

  const attempt = ({ ended, failed }: Attempt): Dispatcher.DispatchHandler => ({
    onRequestStart: (started) => {
      controller = started
      if (phase === 'over') started.abort(new errors.RequestAbortedError())
    },
    // Written here: a function assigned to a property is made in the old generation, and this one knows the request.
    onResponseStarted: () => {
      heard = true
    },
    onResponseStart: (running, status, parsed, statusText) => {
      if (phase !== 'waiting') return
      // undici itself refuses 100, and 101 that switches; without a protocol to switch to there is no 101 either.
      if (status < 102) return refuseAnswer('a status below 102')
      if (status < 200) {
        relayInterim ??= createRelayInterim(request, response)
        if (!relayInterim(status, headersOf(running, status))) refuseAnswer('a flood of interim answers')
        return
      }
      exchange.onAnswer()
      // In strip mode the upstream saw no credential: its challenge would only send the client in circles (BR-20).
      if (status === 401 && options.authorization === 'strip') {
        return refuseAnswer('401 although `authorization: strip` sends it no credential')
      }
      if (status > 599) return refuseAnswer('a status above 599')
      // undici hands on what it has not decoded, and the field would be gone (H1-8, H1-9).
      if ('transfer-encoding' in parsed && !isChunked(parsed['transfer-encoding'])) {
        return refuseAnswer('a transfer coding other than chunked')
      }
      const raw = headersOf(running, status)
      // What is left of the request would be read as the start of the next one: the connection ends here (H1-19).
      early = exchange.hasBody && !request.complete
      if (early) {
        response.shouldKeepAlive = false
        keepContent(request)
      }
      if ('trailer' in parsed) announceTrailers(request, status, 'content-length' in parsed, raw)
      try {
        response.writeHead(status, phraseOf(status, statusText), raw)
      } catch {
        return refuseAnswer('a status line or field that must not be relayed')
      }
      phase = 'streaming'
      length = Number(parsed['content-length'])
      exchange.onHead(status)
      unsent = true
      process.nextTick(flushHead)
    },
    onResponseData: (running, chunk) => {
      if (phase !== 'streaming') return
      exchange.onBytes('out', chunk.length)
      unsent = false
      // A short answer that came whole leaves with its head in one write: as latin1 text, which keeps every octet.
      if (chunk.length === length && length <= shortAnswer && !early) {
        phase = 'answered'
        response.end(chunk.toString('latin1'), 'latin1')
        if (response.writableLength > 0) patient().watch()
        return
      }
      if (!response.write(chunk)) patient().holdBack(running)
    },
    onResponseEnd: (running) => {
      ended('answered')
      if (phase !== 'streaming') return
      const trailers = relayableTrailers(rawList(running.rawTrailers))
      // Behind an answer that is still owed on the connection, Node has to hold ours back.
      if (early && !request.complete && response.socket) return endOurSide(trailers)
      if (trailers.length > 0) response.addTrailers(trailers)
      unsent = false
      response.end()
      if (response.writableLength > 0) patient().watch()
    },
    onResponseError: (_running, error) => {
      const sent = controller !== undefined
      const refusal = request.errored ? clientGone : refusalOf(error, sent)
      // What is our own fault, or the client's doing, says nothing of the replica.
      const ours = phase === 'over' || request.errored || refusal.reason === 'internal'
      ended(ours ? 'abandoned' : 'failed')
      if (phase === 'waiting') {
        controller = undefined
        if (!request.errored && failed(refusal, sent, heard)) return
        return refuse(refusal)
      }
      if (phase !== 'streaming') return
      // A truncated answer is never presented as complete: no last chunk, no clean end (H1-21).
      if (request.errored) end('client')
      else end('upstream', refusal)
      // To a client of HTTP/1.0 the end of the connection is the end of the content: only a reset says otherwise.
      if (request.httpVersionMinor === 0 && response.socket !== null) socket.resetAndDestroy()
      else response.destroy()
    },
    onBodySent: (chunk: Buffer) => {
      sent += chunk.length
      exchange.onBytes('in', chunk.length)
      if (exchange.bodySize === 0 || sent <= exchange.bodySize) return
      cancel({ reason: 'body_too_large', limit: exchange.bodySize })
    },
  })
  return { attempt, cancel }
}

const isChunked = (coding: string | string[] | undefined): boolean =>
  typeof coding === 'string' && coding.toLowerCase() === 'chunked'

/** The upstream's own words where they are ASCII: undici has read other octets as UTF-8 (RFC 9112 section 4). */
const phraseOf = (status: number, phrase = ''): string =>
  notAscii.test(phrase) ? (STATUS_CODES[status] ?? '') : phrase

const notAscii = /[^\x00-\x7f]/

/** Up to here a copy is cheaper than a second buffer in a write. */
const shortAnswer = 8192

/** The content broke off or was no valid framing: the parser has answered, or nobody is there to be answered. */
const clientGone: Refusal = { reason: 'request_malformed', fault: 'the content broke off' }

const rawList = (raw: unknown): readonly (Buffer | string)[] => (Array.isArray(raw) ? raw : [])
