import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { certificateEnds, createCertificates } from './certificates.ts'
import { type Config, ownedFields } from './config/config.ts'
import { listRoutes } from './config/listing.ts'
import { viewOf } from './config/view.ts'
import { answerRefusal } from './decision/challenge.ts'
import { nearMiss } from './decision/near-miss.ts'
import {
  certificateEvents,
  droppedConnections,
  faultEvent,
  issuerEvents,
  poolEvents,
  readinessReporter,
  storeEvents,
} from './gateway-events.ts'
import { createAdmin } from './http/admin.ts'
import { createHandler } from './http/handle.ts'
import { protectedNames } from './http/head.ts'
import { createListener } from './http/listener.ts'
import { createPeers } from './http/peer.ts'
import { rawAnswer, refusalAnswer } from './http/reply.ts'
import { createTrace } from './http/trace-context.ts'
import { createIssuer } from './issuers.ts'
import { type Clock, systemClock } from './keys/clock.ts'
import { createLog, type Log } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { createReadiness } from './observe/readiness.ts'
import { newRecord, type RequestRecord } from './observe/record.ts'
import { redact } from './observe/redact.ts'
import { requestId } from './observe/request-id.ts'
import { answerPolicyOf, noncesOf } from './policies.ts'
import { createStore } from './store/index.ts'
import { createProofVerifier } from './token/dpop/proof-verifier.ts'
import { createTokenVerifier } from './token/index.ts'
import { generationOf } from './token/proof.ts'
import { createForwarder } from './upstream/forward.ts'
import { createRequestHeaders } from './upstream/request-headers.ts'
import { createResponseHeaders } from './upstream/response-headers.ts'
import { sharedPools } from './upstream/shared-pools.ts'
import { createTunnels } from './upstream/tunnel.ts'
import { version } from './version.ts'

/** A running gateway: everything that one configuration asks for, and the end of it. */
export interface Gateway {
  /** Binds the admin listener, then the public one. Rejects when an address is taken. */
  listen(): Promise<{ readonly address: AddressInfo; readonly admin: AddressInfo | undefined }>
  /** Loads the keys of every issuer again, now, and looks at the files of all certificates. The config stays as it is. */
  reloadKeys(): Promise<void>
  /**
   * Readiness off, goes on accepting for `delayMs` with `Connection: close`, then finishes what is in flight within
   * `listen.timeouts.drain`.
   *
   * @param drainMs instead of `listen.timeouts.drain`
   * @returns how many connections had to be cut with something in flight
   */
  close(delayMs: number, drainMs?: number): Promise<number>
  readonly log: Log
}

export interface GatewayDependencies {
  /** Where log lines go: a file descriptor or a file. */
  readonly logTarget: number | string
  readonly clock: Clock
}

/** The defaults of production. */
export const production: GatewayDependencies = { logTarget: 1, clock: systemClock }

/** Wires the rooms for one configuration. Key sources begin to load at once; nothing is bound before `listen`. */
export const createGateway = (config: Config, { logTarget, clock }: GatewayDependencies): Gateway => {
  const seconds = (): number => clock.now() / 1000
  const monotonic = (): number => performance.now()
  const metrics = createMetrics({
    version,
    node: process.version,
    configHash: config.hash,
    issuers: config.issuers.map(({ name }) => name),
    health: () =>
      upstreams.flatMap(({ resource, pool }) =>
        pool.health().map(({ replica, healthy }) => ({ resource: resource.name, upstream: replica.name, healthy })),
      ),
    certificates: certificateEnds(config),
    now: seconds,
  })
  const log = createLog(config.log, {
    target: logTarget,
    nearMiss: ({ refusal, resource }) => refusal && nearMiss(refusal, resource),
    now: clock.now,
  })
  const readiness = createReadiness({
    ...config.readiness,
    issuers: config.issuers.map(({ name }) => name),
    now: monotonic,
  })
  const reportReadiness = readinessReporter(readiness, metrics, log)
  const stopWaiting = clock.after(config.readiness.maxWaitMs, reportReadiness)
  const store = createStore(config.store, { events: storeEvents(metrics, log), clock, random: Math.random, monotonic })
  const events = issuerEvents(metrics, log, (issuer, state) => {
    if (state !== undefined) readiness.issuerState(issuer, state)
    reportReadiness()
    forgetProven(issuer)
  })
  const issuers = config.issuers.map((issuer) => createIssuer(issuer, { store, clock, monotonic, events }))
  const verifier = createTokenVerifier({
    issuers,
    tokenSize: config.listen.limits.tokenSize,
    cacheBytes: tokenCacheBytes,
    events: metrics.tokenEvents,
  })
  const proofs = createProofVerifier(config.dpop, {
    store,
    nonces: noncesOf(config.dpop),
    events: { degraded: metrics.store.degraded },
  })
  const pools = sharedPools({
    now: monotonic,
    after: clock.after,
    events: poolEvents(log),
  })
  // What was proven with keys that have changed is void (its generation says so), and now out of memory too.
  const generations = new Map<string, number>()
  const forgetProven = (name: string): void => {
    const issuer = issuers.find((one) => one.name === name)
    if (issuer === undefined) return
    const generation = generationOf(issuer)
    if (generations.get(name) === generation) return
    generations.set(name, generation)
    verifier.flush(name)
  }
  const upstreams = config.upstreams.map(({ resource, options }) => ({ resource, options, pool: pools.of(options) }))
  const requestIdHeader = config.requestId.header
  const owned = ownedFields(config)
  const tunnels = createTunnels({ now: seconds })
  const forwarder = createForwarder(
    upstreams,
    {
      request: createRequestHeaders(requestIdHeader, owned),
      response: createResponseHeaders(requestIdHeader),
    },
    tunnels,
    monotonic,
  )
  const answers = answerPolicyOf(config)
  const peers = createPeers(config.listen)
  let draining = false
  // What is left of the drain is cut now: not by those who are.
  let cutting = false
  let started = false
  let open = 0
  let emptied = (): void => undefined
  const opened = (): void => {
    open++
    metrics.opened()
  }
  const record = (finished: RequestRecord): void => {
    open--
    // Nothing else ends with 101.
    if (finished.status === 101) metrics.tunnelClosed()
    else metrics.closed()
    metrics.record(finished)
    log.request(finished)
    if (open === 0) emptied()
  }
  const failed = faultEvent(log)

  const handle = createHandler({
    resources: config.resources,
    verifier,
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
    pseudonym: `audgate-${randomBytes(4).toString('hex')}`,
    tolerances: new Map(config.issuers.map(({ name, token }) => [name, token.clockToleranceSeconds])),
    now: seconds,
    monotonic,
    opened,
    closed: record,
    tunnelled: metrics.tunnelOpened,
    failed,
    draining: () => draining,
    cutting: () => cutting,
  })
  const drops = droppedConnections(log, clock.after)
  const listener = createListener({
    listen: config.listen,
    handle,
    dropped: drops.dropped,
    lastCall: () => {
      cutting = true
      return tunnels.close()
    },
    failed,
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
      record(unread)
      return rawAnswer(refusalAnswer(answer), [requestIdHeader, unread.requestId])
    },
  })
  const certificates = createCertificates(config, {
    listener,
    pools: upstreams.map(({ pool }) => pool),
    clock,
    events: certificateEvents(metrics, log),
  })
  const admin =
    config.admin &&
    createAdmin(config.admin, {
      started: () => started,
      ready: reportReadiness,
      drain: () => {
        draining = true
        metrics.setDraining(true)
      },
      metrics: {
        expose: () => {
          reportReadiness()
          return metrics.expose()
        },
        contentType: metrics.contentType,
      },
      routes: () => ({ resources: listRoutes(config) }),
      issuers: () =>
        issuers.map(({ name, issuer, keys, decryption }) => {
          const report = keys.report()
          // The query of a URL may hold an API key.
          const jwksUri = report.jwksUri?.split('?', 1)[0]
          return { name, issuer, ...report, jwksUri, decryption: decryption?.report() }
        }),
      config: () => redact(viewOf(config)),
      failed,
    })

  return {
    log,
    listen: async () => {
      for (const { line, column, message } of config.warnings) {
        log.logger.warn({ file: config.file, line, column }, message)
      }
      // The admin listener starts first and closes last.
      const adminAddress = await admin?.listen()
      try {
        const address = await listener.listen()
        started = true
        reportReadiness()
        log.logger.info({ address: `${address.address}:${address.port}`, version, config: config.hash }, 'listening')
        return { address, admin: adminAddress }
      } catch (error) {
        await admin?.close()
        throw error
      }
    },
    reloadKeys: async () => {
      certificates.check()
      await Promise.all(issuers.map((issuer) => issuer.reload()))
      for (const { name, keys } of issuers) {
        const { state, keys: count, lastError } = keys.report()
        log.logger.info({ issuer: name, state, keys: count, detail: lastError }, 'keys loaded again')
      }
    },
    close: async (delayMs, drainMs = config.listen.timeouts.drainMs) => {
      draining = true
      stopWaiting()
      readiness.drain()
      metrics.setDraining(true)
      metrics.setReady(false)
      log.logger.info({ delay_ms: delayMs, drain_ms: drainMs }, 'draining')
      if (delayMs > 0 && started) await setTimeout(delayMs)
      const cut = started ? await listener.close(drainMs) : 0
      drops.close()
      // What was cut tells its own story first: the client's connection ended, not the upstream's. The events of its
      // end come a little after those of the listener's.
      const told = new Promise<void>((resolve) => {
        emptied = resolve
      })
      // Those who waited for an issuer when they were cut would else wait on.
      const issuersClosed = Promise.all(issuers.map((issuer) => issuer.close()))
      if (open > 0) await Promise.race([told, setTimeout(lastWordsMs, undefined, { ref: false })])
      certificates.close()
      await pools.destroy()
      await issuersClosed
      await store.close()
      await admin?.close()
      log.logger.info({ cut }, 'closed')
      await log.close()
      return cut
    },
  }
}

/** For how long the last records are waited for. */
const lastWordsMs = 1000

const tokenCacheBytes = 64 * 1024 * 1024
