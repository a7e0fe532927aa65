import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Candidate, Grant } from '../decision/authorize.ts'
import { type AnswerPolicy, answerRefusal } from '../decision/challenge.ts'
import { type AdmissionPolicy, admit, type PublicPass, type Where } from '../decision/decide.ts'
import { publicUri } from '../decision/public-uri.ts'
import { type Outcome, type Reason, type Refusal, refuse } from '../decision/refusal.ts'
import type { Resources } from '../decision/resource.ts'
import { newRecord, type RecordSink, type RequestRecord } from '../observe/record.ts'
import type { ProofVerifier } from '../token/dpop/proof-verifier.ts'
import type { TokenVerifier, Verification } from '../token/token-verifier.ts'
import type { Cancel, Forwarder } from '../upstream/forward.ts'
import { type Head, type HeadLimits, readHead } from './head.ts'
import { judge } from './judge.ts'
import { hopOf, isSecure, type Peer, type Peers, publicAuthority } from './peer.ts'
import { metadataAnswer, type OwnAnswer, refusalAnswer, sendOwn } from './reply.ts'
import { watchBody } from './watch-body.ts'

/** Everything one request needs, prepared at load. */
export interface HandlerOptions {
  readonly resources: Resources
  readonly verifier: TokenVerifier
  readonly proofs: ProofVerifier
  readonly forwarder: Forwarder
  readonly peers: Peers
  readonly policy: AdmissionPolicy
  readonly limits: HeadLimits
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
  /** A bug: the request was answered with `internal`. */
  readonly failed: (error: unknown, requestId: string) => void
  readonly draining: () => boolean
}

/**
 * Takes one request. What it returns, for a request with content, is how to give it up while it is not answered: the
 * content turned out to be no valid framing.
 */
export type Handler = (request: IncomingMessage, response: ServerResponse, expects: Expectation) => Cancel | undefined

/** What `Expect` asked for: nothing, 100, or something that nobody can meet (HS-10, HS-11). */
export type Expectation = 'nothing' | 'continue' | 'other'

/**
 * One request, from its head to its record: framing, `admit`, the one effect (`verify`), `authorize`, then either an
 * answer of our own or the forwarder. Takes no asynchronous hop when the token is cached.
 */
export const createHandler = (options: HandlerOptions): Handler => {
  const { resources, verifier, proofs, forwarder, peers, policy, monotonic } = options
  const viaNow = `1.1 ${options.pseudonym}`
  const viaOld = `1.0 ${options.pseudonym}`
  const requestIdName = options.requestIdHeader.toLowerCase()

  return (request, response, expects) => {
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
    const finish = (delivery: RequestRecord['delivery']): void => {
      record.delivery = delivery
      record.endedAt = monotonic()
      options.closed(record)
    }
    // No persistent connection with a client of HTTP/1.0, whatever it asks for (H1-23), and none behind an upgrade that
    // is not taken: Node throws away what was read ahead of its answer (H1-28, RFC 9931).
    if (request.httpVersionMinor === 0 || (framed && head.nominated?.has('upgrade'))) {
      response.shouldKeepAlive = false
      peer.ending = true
    }

    let broken = false
    let withdrawn: Refusal | undefined
    let giveUp: Cancel = (refusal) => {
      withdrawn = refusal
    }

    const answer = (own: OwnAnswer, last: boolean): void => {
      record.status = own.status
      if (options.draining()) response.shouldKeepAlive = false
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
    const refuseWith = (refusal: Refusal): void => {
      record.decidedAt ||= monotonic()
      if (record.forwardedAt === 0) record.decision = 'deny'
      record.refusal = refusal
      const wire = answerRefusal(refusal, record, record.requestId, options.answers)
      answer(refusalAnswer(wire), !framed || endsConnection.has(refusal.reason))
    }
    const grant = (permission: Grant | PublicPass, framedHead: Head, query: string): void => {
      if (withdrawn) return refuseWith(withdrawn)
      record.decidedAt = monotonic()
      record.decision = 'allow'
      forward(permission, framedHead, query)
    }

    const forward = (permission: Grant | PublicPass, head: Head, query: string): void => {
      const via = request.httpVersionMinor === 0 ? viaOld : viaNow
      if (head.via !== '' && head.via.includes(options.pseudonym)) return refuseWith({ reason: 'upstream_loop' })
      if (expects === 'continue') response.writeContinue()
      record.forwardedAt = monotonic()
      const cancel = forwarder.forward(permission, {
        request,
        response,
        hasBody: head.hasBody,
        nominated: head.nominated,
        hop: hopOf(peer, head, record.host, via, record.requestId),
        query,
        bodySize: options.limits.bodySize,
        onAnswer: () => {
          record.upstreamHeadAt = monotonic()
          if (options.draining()) response.shouldKeepAlive = false
        },
        onHead: (status) => {
          record.headAt = monotonic()
          record.status = status
          if (!response.shouldKeepAlive) peer.ending = true
        },
        onBytes: (direction, count) => {
          if (direction === 'in') record.bytesIn += count
          else record.bytesOut += count
        },
        onRefused: refuseWith,
        onEnd: (broken) => {
          record.brokenBy = broken
          finish(broken ? 'broken' : 'delivered')
        },
      })
      giveUp = cancel
      if (head.hasBody && options.bodyIdleMs > 0) watchBody(request, response, options.bodyIdleMs, cancel)
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
      const evidence = {
        certificate: () => peers.certificateOf(peer, framedHead),
        proof: (boundTo: string) =>
          proofs.prove(
            {
              proofs: framedHead.proofs,
              method: record.method,
              uri: publicUri(
                candidate.match.resource.origin,
                { secure: isSecure(peer, framedHead), authority: publicAuthority(peer, framedHead, where.authority) },
                where.path,
              ),
            },
            candidate.credential,
            boundTo,
            now,
          ),
      }
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
                record.brokenBy = 'client'
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

/** After these the rest of the connection cannot be trusted, or is not wanted. */
const endsConnection: ReadonlySet<Reason> = new Set([
  'request_malformed',
  'request_timeout',
  'header_too_large',
  'body_too_large',
  'version_unsupported',
  'coding_not_implemented',
  'method_not_implemented',
  'internal',
])

const factsOf = (request: IncomingMessage, head: Head, peer: Peer) => ({
  method: request.method ?? '',
  target: request.url ?? '',
  authority: head.host,
  authorization: head.authorization,
  secure: isSecure(peer, head),
})
