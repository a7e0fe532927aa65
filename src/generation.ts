import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { isDeepStrictEqual } from 'node:util'
import { type Config, ownedFields } from './config/config.ts'
import { answerRefusal } from './decision/challenge.ts'
import type { Refusal } from './decision/refusal.ts'
import { createHandler, type Handler, type HandlerOptions } from './http/handle.ts'
import { protectedNames } from './http/head.ts'
import { createPeers, type Histories } from './http/peer.ts'
import { rawAnswer, refusalAnswer } from './http/reply.ts'
import { createTrace } from './http/trace-context.ts'
import type { RunningIssuer } from './issuers.ts'
import type { IssuerInUse } from './issuers-in-use.ts'
import { newRecord } from './observe/record.ts'
import { requestId } from './observe/request-id.ts'
import { answerPolicyOf, noncesOf } from './policies.ts'
import { type Ground, standing } from './standing.ts'
import type { TokenCache } from './token/cache.ts'
import { createProofVerifier, type ProofDependencies, type ProofVerifier } from './token/dpop/proof-verifier.ts'
import { createTokenVerifier } from './token/index.ts'
import type { TokenEvents } from './token/token-verifier.ts'
import { createForwarder, type Upstreams } from './upstream/forward.ts'
import type { UpstreamPool } from './upstream/pool.ts'
import { createRequestHeaders } from './upstream/request-headers.ts'
import { createResponseHeaders } from './upstream/response-headers.ts'
import type { Tunnels } from './upstream/tunnel.ts'

/** What of a gateway goes on from one config to the next. */
export interface Lasting
  extends Pick<
    HandlerOptions,
    'pseudonym' | 'now' | 'monotonic' | 'opened' | 'closed' | 'tunnelled' | 'failed' | 'draining' | 'cutting'
  > {
  /** Proven tokens, of all issuers. */
  readonly tokens: TokenCache
  readonly tokenEvents: TokenEvents
  readonly proofs: Pick<ProofDependencies, 'store' | 'events'>
  /** Of the nonces, where the config has none. */
  readonly nonceSecret: Uint8Array
  readonly pools: { of(options: Config['upstreams'][number]['options']): UpstreamPool }
  readonly tunnels: Pick<Tunnels, 'open'>
  readonly histories: Histories
  /** What requests that come now meet. */
  readonly ground: () => Ground
}

/** Everything that belongs to one config. Requests finish on the one that they began on. */
export interface Generation extends Ground {
  readonly config: Config
  readonly inUse: readonly IssuerInUse[]
  /** By `Resource.index`. */
  readonly upstreams: Upstreams
  readonly pools: ReadonlySet<UpstreamPool>
  readonly proofs: ProofVerifier
  readonly handle: Handler
  /** The whole answer to a message that was refused before there was a request. */
  refuse(refusal: Refusal, socket: Socket): Buffer
  /** No further request begins on it. Calls back when the last one has ended, which may be now; tunnels do not count. */
  retire(over: () => void): void
}

/**
 * Makes what one config needs, and begins nothing: pools connect when they are asked to.
 *
 * @param inUse the issuers of the config
 * @param before what may go on as it is
 */
export const createGeneration = (
  config: Config,
  inUse: readonly IssuerInUse[],
  lasting: Lasting,
  before?: Pick<Generation, 'config' | 'proofs'>,
): Generation => {
  const { monotonic } = lasting
  const issuers = new Map<string, RunningIssuer>(inUse.map(({ options, running }) => [options.name, running]))
  const upstreams = config.upstreams.map(({ options }) => ({ options, pool: lasting.pools.of(options) }))
  const requestIdHeader = config.requestId.header
  const owned = ownedFields(config)
  const answers = answerPolicyOf(config)
  const peers = createPeers(config.listen, lasting.histories)
  // With the keys of clients that it knows.
  const proofs =
    before && isDeepStrictEqual(before.config.dpop, config.dpop)
      ? before.proofs
      : createProofVerifier(
          config.dpop,
          { ...lasting.proofs, nonces: noncesOf(config.dpop, lasting.nonceSecret) },
          before && { before: before.proofs.window, at: lasting.now() },
        )

  const { opened, closed, tunnelled, retire } = createUnderWay(lasting)
  const forwarder = createForwarder(
    upstreams,
    {
      request: createRequestHeaders(requestIdHeader, owned),
      response: createResponseHeaders(requestIdHeader),
    },
    {
      open: (permission, exchange, upgrade, way) => {
        const stands = standing(permission, exchange.request, generation, lasting.ground)
        return lasting.tunnels.open(permission, exchange, upgrade, { ...way, stands })
      },
    },
    monotonic,
  )
  const handle = createHandler({
    ...lasting,
    resources: config.resources,
    verifier: createTokenVerifier({
      issuers: [...issuers.values()],
      tokenSize: config.listen.limits.tokenSize,
      cache: lasting.tokens,
      events: lasting.tokenEvents,
    }),
    proofs,
    forwarder,
    peers,
    policy: { targetSize: config.listen.limits.targetSize, requireHttps: config.listen.requireHttps },
    limits: config.listen.limits,
    connectionMs: config.listen.timeouts.connectionMs,
    refuseEarlyData: config.listen.refuseEarlyData,
    trace: createTrace(config.traceContext, randomBytes),
    proxyStatus: config.refusals.proxyStatus,
    bodyIdleMs: config.listen.timeouts.bodyIdleMs,
    answers,
    requestIdHeader,
    requestId,
    protectedNames: protectedNames(owned),
    tolerances: new Map(config.issuers.map(({ name, token }) => [name, token.clockToleranceSeconds])),
    opened,
    closed,
    tunnelled,
  })

  const generation: Generation = {
    config,
    issuers,
    inUse,
    upstreams,
    pools: new Set(upstreams.map(({ pool }) => pool)),
    proofs,
    handle,
    refuse: (refusal, socket) => {
      const unread = newRecord('', monotonic())
      unread.requestId = requestId(undefined, false)
      unread.remoteAddress = peers.of(socket).address
      unread.decision = 'deny'
      unread.refusal = refusal
      unread.delivery = 'refused'
      unread.decidedAt = unread.startedAt
      unread.endedAt = unread.startedAt
      const answer = answerRefusal(refusal, unread, unread.requestId, answers)
      unread.status = answer.status
      opened()
      closed(unread)
      return rawAnswer(refusalAnswer(answer), [requestIdHeader, unread.requestId])
    },
    retire,
  }
  return generation
}

/** Counts what is under way on one config. Holds nothing of the config: what becomes a tunnel tells its end here. */
const createUnderWay = (
  lasting: Pick<Lasting, 'opened' | 'closed' | 'tunnelled'>,
): Pick<HandlerOptions, 'opened' | 'closed' | 'tunnelled'> & Pick<Generation, 'retire'> => {
  let open = 0
  let retired: (() => void) | undefined
  const left = (): void => {
    open--
    if (open === 0) retired?.()
  }
  return {
    opened: () => {
      open++
      lasting.opened()
    },
    closed: (record) => {
      // Nothing else ends with 101, and as a tunnel it has left already.
      if (record.status !== 101) left()
      lasting.closed(record)
    },
    tunnelled: () => {
      left()
      lasting.tunnelled()
    },
    retire: (over) => {
      if (open === 0) over()
      else retired = over
    },
  }
}
