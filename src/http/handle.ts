import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Candidate, Grant } from '../decision/authorize.ts'
import { type AnswerPolicy, answerRefusal } from '../decision/challenge.ts'
import { type AdmissionPolicy, admit, type PublicPass, type Where } from '../decision/decide.ts'
import { type Outcome, type Refusal, refuse } from '../decision/refusal.ts'
import type { Resources } from '../decision/resource.ts'
import { newRecord, type RecordSink, type RequestRecord } from '../observe/record.ts'
import type { ProofVerifier } from '../token/dpop/proof-verifier.ts'
import type { TokenVerifier, Verification } from '../token/token-verifier.ts'
import type { Cancel } from '../upstream/exchange.ts'
import type { Forwarder } from '../upstream/forward.ts'
import { createExchanges } from './exchange.ts'
import { type Head, type HeadLimits, readHead } from './head.ts'
import { judge } from './judge.ts'
import { createLast, endsConnection } from './last-request.ts'
import { hopsLeft } from './max-forwards.ts'
import type { ListenOptions } from './options.ts'
import { isSecure, type Peer, type Peers } from './peer.ts'
import { proxyStatus } from './proxy-status.ts'
import { askForContent, metadataAnswer, type OwnAnswer, optionsAnswer, refusalAnswer, sendOwn } from './reply.ts'
import { senderEvidence } from './sender-evidence.ts'
import type { TraceOf } from './trace-context.ts'
import type { Upgraded } from './upgrade.ts'
import { watchBody } from './watch-body.ts'

/** Everything one request needs, prepared at load. */
export interface HandlerOptions {
  readonly resources: Resources
  readonly verifier: TokenVerifier
  readonly proofs: ProofVerifier
  readonly forwarder: Forwarder
  readonly peers: Peers
  readonly policy: AdmissionPolicy
  readonly limits: HeadLimits & Pick<ListenOptions['limits'], 'requestsPerConnection'>
  /** Age in milliseconds at which a connection ends with its next answer; 0 = no limit. */
  readonly connectionMs: number
  readonly refuseEarlyData: boolean
  readonly trace: TraceOf
  /** Our name in `Proxy-Status`, which only trusted proxies get to see (ER-4); undefined: no such field. */
  readonly proxyStatus: string | undefined
  readonly bodyIdleMs: number
  readonly answers: AnswerPolicy
  readonly requestIdHeader: string
  /** `trusted`: whether a proxy that we believe sent it. */
  readonly requestId: (received: string | undefined, trusted: boolean) => string
  /** Lower-case names that no client may nominate in `Connection`. */
  readonly protectedNames: ReadonlySet<string>
  /** Our own entry of `Via`, without the protocol version. */
  readonly pseudonym: string
  /** Clock tolerance in seconds, by issuer name. */
  readonly tolerances: ReadonlyMap<string, number>
  /** Seconds since the epoch. */
  readonly now: () => number
  /** Milliseconds, monotonic. */
  readonly monotonic: () => number
  readonly opened: () => void
  readonly closed: RecordSink
  /** A request became a tunnel; `closed` tells of its end. */
  readonly tunnelled: () => void
  /** A bug: the request was answered with `internal`. */
  readonly failed: (error: unknown, requestId: string) => void
  readonly draining: () => boolean
  /** The end has come for what is still in flight. */
  readonly cutting: () => boolean
}

/**
 * Takes one request. What it returns, for a request with content, is how to give it up while it is not answered: the
 * content turned out to be no valid framing.
 */
export type Handler = (
  request: IncomingMessage,
  response: ServerResponse,
  expects: Expectation,
  upgraded?: Upgraded,
) => Cancel | undefined

/** What `Expect` asked for: nothing, 100, or something that nobody can meet (HS-10, HS-11). */
export type Expectation = 'nothing' | 'continue' | 'other'

/**
 * One request, from its head to its record: framing, `admit`, the one effect (`verify`), `authorize`, then either an
 * answer of our own or the forwarder. Takes no asynchronous hop when the token is cached.
 */
export const createHandler = (options: HandlerOptions): Handler => {
  const { resources, verifier, forwarder, peers, policy, monotonic, closed } = options
  const requestIdName = options.requestIdHeader.toLowerCase()
  const isLast = createLast({ ...options.limits, ...options })
  const exchangeOf = createExchanges(options)

  return (request, response, expects, upgraded) => {
    const startedAt = monotonic()
    const peer = peers.of(request.socket)
    if (peer.ending) return undefined
    const head = readHead(request, options.limits, requestIdName, options.protectedNames)
    const framed = !('reason' in head)
    const record = newRecord(request.method ?? '', startedAt)
    record.requestId = options.requestId(framed ? head.requestId : undefined, peer.trusted)
    record.remoteAddress = framed ? peers.clientAddress(peer, head) : peer.address
    if (framed) record.host = head.host ?? ''
    options.opened()
    const finish = finisher(record, monotonic, closed)
    // Asked for every request: it counts them.
    const last = isLast(peer, startedAt)
    // No persistent connection with a client of HTTP/1.0, whatever it asks for (H1-23), and none behind an upgrade that
    // is not taken: Node throws away what was read ahead of its answer (H1-28, RFC 9931).
    if (request.httpVersionMinor === 0 || (framed && head.nominated?.has('upgrade')) || last) {
      response.shouldKeepAlive = false
      peer.ending = true
    }
    // Drained, a connection ends with its last answer: those that were begun behind this one are owed theirs.
    const turn = peer.requests
    const endIfDrained = (): void => {
      if (options.draining() && peer.requests === turn) response.shouldKeepAlive = false
    }

    let broken = false
    let withdrawn: Refusal | undefined
    let giveUp: Cancel = (refusal) => {
      withdrawn = refusal
    }

    const answer = (own: OwnAnswer, last: boolean): void => {
      record.status = own.status
      endIfDrained()
      const remainder = {
        // Nothing is read on of a message whose framing is broken.
        hasBody: framed ? head.hasBody && !broken : true,
        contentLength: framed ? head.contentLength : undefined,
        expectsContinue: expects === 'continue',
      }
      response.once('close', () => finish(response.writableFinished ? 'refused' : 'broken'))
      const id = [options.requestIdHeader, record.requestId] as const
      record.bytesOut = sendOwn(request, response, own, id, remainder, last)
      if (!response.shouldKeepAlive) peer.ending = true
    }
    const statusField = (refusal: Refusal): readonly string[] =>
      options.proxyStatus === undefined || !peer.trusted
        ? []
        : ['Proxy-Status', proxyStatus(options.proxyStatus, refusal)]
    const refuseWith = (refusal: Refusal): void => {
      record.decidedAt ||= monotonic()
      if (record.forwardedAt === 0 || refusal.reason === 'route_denied') record.decision = 'deny'
      record.refusal = refusal
      const wire = answerRefusal(refusal, record, record.requestId, options.answers)
      answer(refusalAnswer(wire, statusField(refusal)), !framed || endsConnection.has(refusal.reason))
    }
    const grant = (permission: Grant | PublicPass, framedHead: Head, query: string): void => {
      record.decidedAt = monotonic()
      record.decision = 'allow'
      const hops = hopsLeft(record.method, framedHead.maxForwards)
      if (hops === 0) return answer(optionsAnswer(permission.match.allow), false)
      forward(permission, framedHead, query, hops)
    }

    const forward = (permission: Grant | PublicPass, head: Head, query: string, hops: number | undefined): void => {
      if (head.via !== '' && head.via.includes(options.pseudonym)) return refuseWith({ reason: 'upstream_loop' })
      if (expects === 'continue') askForContent(response)
      record.forwardedAt = monotonic()
      const own = { answered: endIfDrained, refused: refuseWith, finished: finish }
      const exchange = exchangeOf({ request, response, head, peer, permission, query, upgraded, hops, ...own }, record)
      giveUp = forwarder.forward(permission, exchange)
      if (head.hasBody && options.bodyIdleMs > 0) watchBody(request, response, options.bodyIdleMs, giveUp)
    }

    const settle = (outcome: Outcome<Grant>, framedHead: Head, query: string): void => {
      // Its content broke the framing while the token was verified: that comes first (contract section 4).
      if (withdrawn) return refuseWith(withdrawn)
      if (outcome.ok) grant(outcome.value, framedHead, query)
      else refuseWith(outcome.refusal)
    }

    const judgeToken = (
      verified: Verification,
      candidate: Candidate,
      where: Where,
      framedHead: Head,
      now: number,
    ): Outcome<Grant> | Promise<Outcome<Grant>> => {
      if (!verified.ok) {
        record.issuer = verified.issuer ?? ''
        return verified
      }
      const token = verified.value
      record.issuer = token.issuer
      record.clientId = token.client
      const asked = { peer, head: framedHead, method: record.method }
      const evidence = senderEvidence(options, asked, candidate, where, now)
      return judge(candidate, token, evidence, now, options.tolerances.get(token.issuer) ?? 0)
    }

    // A bug of ours is a 500 to this client, and nothing to any other (the one catch of a request).
    const recover = (error: unknown): void => {
      options.failed(error, record.requestId)
      if (response.headersSent) response.destroy()
      else refuseWith({ reason: 'internal' })
    }

    const take = (): void => {
      if (!framed) return refuseWith(head)
      if (expects === 'other') return refuseWith({ reason: 'expectation_failed' })
      if (head.earlyData && options.refuseEarlyData && !safe.has(record.method)) {
        return refuseWith({ reason: 'too_early' })
      }
      const admission = admit(factsOf(request, head, peer), resources, policy)
      record.host = admission.where.authority
      record.path = admission.where.path
      record.resource = admission.where.resource
      record.route = admission.where.route
      record.scheme = admission.where.scheme
      switch (admission.kind) {
        case 'refused':
          return refuseWith(admission.refusal)
        case 'metadata':
          record.decidedAt = monotonic()
          record.decision = 'allow'
          return answer(metadataAnswer(admission.resource), false)
        case 'public':
          return grant(admission.pass, head, admission.where.query)
        case 'candidate': {
          const { candidate, where } = admission
          const now = options.now()
          const verified = verifier.verify(candidate.credential, candidate.match.resource.issuers, now)
          const outcome =
            verified instanceof Promise
              ? verified.then((settled) => judgeToken(settled, candidate, where, head, options.now()))
              : judgeToken(verified, candidate, where, head, now)
          if (!(outcome instanceof Promise)) return settle(outcome, head, where.query)
          outcome
            .catch((error: unknown) => {
              options.failed(error, record.requestId)
              return refuse({ reason: 'internal' })
            })
            .then((settled) => {
              // The client may have left while the token was verified: then nothing is sent anywhere.
              if (response.destroyed || request.socket.destroyed) {
                record.brokenBy = options.cutting() ? 'shutdown' : 'client'
                return finish('broken')
              }
              return settle(settled, head, where.query)
            })
            .catch(recover)
        }
      }
    }

    try {
      take()
    } catch (error) {
      recover(error)
    }
    if (!framed || !head.hasBody) return undefined
    return (refusal) => {
      broken = true
      giveUp(refusal)
    }
  }
}

/** Out here, so that a tunnel, which keeps it, keeps nothing of the config that it was opened on. */
const finisher =
  (record: RequestRecord, monotonic: () => number, closed: HandlerOptions['closed']) =>
  (delivery: RequestRecord['delivery']): void => {
    record.delivery = delivery
    record.endedAt = monotonic()
    closed(record)
  }

/** RFC 9110 section 9.2.1. */
const safe: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'TRACE'])

const factsOf = (request: IncomingMessage, head: Head, peer: Peer) => ({
  method: request.method ?? '',
  target: request.url ?? '',
  authority: head.host,
  authorization: head.authorization,
  secure: isSecure(peer, head),
})
