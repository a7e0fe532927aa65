import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Grant } from '../decision/authorize.ts'
import type { PublicPass } from '../decision/decide.ts'
import type { Refusal } from '../decision/refusal.ts'
import type { RequestRecord } from '../observe/record.ts'
import type { Exchange } from '../upstream/exchange.ts'
import type { HandlerOptions } from './handle.ts'
import type { Head } from './head.ts'
import { hopOf, type Peer } from './peer.ts'
import { dropRest } from './reply.ts'
import type { Upgraded } from './upgrade.ts'

/** A request that goes on, and what the handler hears of it. */
export interface Admitted {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly head: Head
  readonly peer: Peer
  readonly permission: Grant | PublicPass
  readonly query: string
  readonly upgraded: Upgraded | undefined
  /** What is left of `Max-Forwards` as it came. */
  readonly hops: number | undefined
  /** The answer comes: it may be the last one of the connection. */
  readonly answered: () => void
  readonly refused: (refusal: Refusal) => void
  readonly finished: (delivery: RequestRecord['delivery']) => void
}

/** Makes what the forwarder needs of a request; its course is written into the record as it goes. */
export const createExchanges = (
  options: Pick<
    HandlerOptions,
    'trace' | 'tolerances' | 'pseudonym' | 'limits' | 'monotonic' | 'tunnelled' | 'cutting'
  >,
): ((admitted: Admitted, record: RequestRecord) => Exchange) => {
  const { trace, tolerances, limits, monotonic, tunnelled, cutting } = options
  const viaNow = `1.1 ${options.pseudonym}`
  const viaOld = `1.0 ${options.pseudonym}`

  const expiryOf = (permission: Grant | PublicPass): number | undefined =>
    'token' in permission ? permission.token.expiresAt + (tolerances.get(permission.token.issuer) ?? 0) : undefined

  return (admitted, record) => {
    const { request, response, head, peer, permission, upgraded, hops } = admitted
    return {
      request,
      response,
      hasBody: head.hasBody,
      nominated: head.nominated,
      trace: trace(head, peer.trusted),
      maxForwards: hops === undefined ? undefined : hops - 1,
      upgrade: upgraded && { ...upgraded, expiresAt: expiryOf(permission), onOpen: tunnelled },
      hop: hopOf(peer, head, record.host, request.httpVersionMinor === 0 ? viaOld : viaNow, record.requestId),
      query: admitted.query,
      bodySize: limits.bodySize,
      onAnswer: () => {
        record.upstreamHeadAt = monotonic()
        admitted.answered()
      },
      onHead: (status) => {
        record.headAt = monotonic()
        record.status = status
        if (!response.shouldKeepAlive) peer.ending = true
      },
      onBytes: counter(record),
      onRefused: admitted.refused,
      onEnd: ender(record, cutting, admitted.finished),
      dropRest: (over) => dropRest(request, over),
    }
  }
}

// These two are made out here: a tunnel keeps them, and must keep nothing else of its request and of the config.
const counter =
  (record: RequestRecord): Exchange['onBytes'] =>
  (direction, count) => {
    if (direction === 'in') record.bytesIn += count
    else record.bytesOut += count
  }

const ender =
  (record: RequestRecord, cutting: () => boolean, finished: Admitted['finished']): Exchange['onEnd'] =>
  (broken, fault) => {
    record.brokenBy = broken === 'client' && cutting() ? 'shutdown' : broken
    record.refusal = fault
    finished(broken ? 'broken' : 'delivered')
  }
