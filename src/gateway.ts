import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { type Config, ownedFields } from './config/config.ts'
import { listRoutes } from './config/listing.ts'
import { answerRefusal } from './decision/challenge.ts'
import { nearMiss } from './decision/near-miss.ts'
import { createAdmin } from './http/admin.ts'
import { createHandler } from './http/handle.ts'
import { protectedNames } from './http/head.ts'
import { createListener } from './http/listener.ts'
import { createPeers } from './http/peer.ts'
import { rawAnswer, refusalAnswer } from './http/reply.ts'
import { type Clock, systemClock } from './keys/clock.ts'
import { createKeySource } from './keys/index.ts'
import type { KeyEvents, KeyState } from './keys/key-source.ts'
import { createLog, type Log } from './observe/log.ts'
import { createMetrics, type Metrics } from './observe/metrics.ts'
import { createReadiness } from './observe/readiness.ts'
import { newRecord, type RequestRecord } from './observe/record.ts'
import { redact } from './observe/redact.ts'
import { requestId } from './observe/request-id.ts'
import { createTokenVerifier } from './token/index.ts'
import { createForwarder } from './upstream/forward.ts'
import { sharedPools } from './upstream/pool.ts'
import { createRequestHeaders } from './upstream/request-headers.ts'
import { createResponseHeaders } from './upstream/response-headers.ts'
import { version } from './version.ts'

/** A running gateway: everything that one configuration asks for, and the end of it. */
export interface Gateway {
  /** Binds the admin listener, then the public one. Rejects when an address is taken. */
  listen(): Promise<{ readonly address: AddressInfo; readonly admin: AddressInfo | undefined }>
  /** Loads the keys of every issuer again, now. The config stays as it is. */
  reloadKeys(): Promise<void>
  /**
   * Readiness off, goes on accepting for `delayMs` with `Connection: close`, then finishes what is in flight within
   * `listen.timeouts.drain`.
   *
   * @returns how many connections had to be cut
   */
  close(delayMs: number): Promise<number>
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
  let ready = false
  const reportReadiness = () => {
    const report = readiness.report()
    metrics.setReady(report.ok)
    if (report.ok && !ready) {
      // Ready without all keys is ready with a warning (operations: the cold-start rule).
      if (report.reasons.length === 0) log.logger.info('ready')
      else log.logger.warn({ detail: report.reasons.join('; ') }, 'ready')
      ready = true
    }
    return report
  }
  const stopWaiting = clock.after(config.readiness.maxWaitMs, reportReadiness)
  const events = keyEvents(metrics, log, (issuer, state) => {
    readiness.issuerState(issuer, state)
    reportReadiness()
    forgetProven(issuer)
  })
  const issuers = config.issuers.map((issuer) => ({
    ...issuer,
    keys: createKeySource(
      { name: issuer.name, issuer: issuer.issuer, keys: issuer.keys, algorithms: issuer.token.algorithms },
      { events, clock, random: Math.random },
    ),
  }))
  const verifier = createTokenVerifier({
    issuers,
    tokenSize: config.listen.limits.tokenSize,
    cacheBytes: tokenCacheBytes,
    events: metrics.tokenEvents,
  })
  const pools = sharedPools()
  // What was proven with keys that have changed is void (its generation says so), and now out of memory too.
  const generations = new Map<string, number>()
  const forgetProven = (name: string): void => {
    const generation = issuers.find((issuer) => issuer.name === name)?.keys.generation
    if (generation === undefined || generations.get(name) === generation) return
    generations.set(name, generation)
    verifier.flush(name)
  }
  const upstreams = config.upstreams.map(({ options }) => ({ options, pool: pools.of(options) }))
  const requestIdHeader = config.requestId.header
  const owned = ownedFields(config)
  const forwarder = createForwarder(upstreams, {
    request: createRequestHeaders(requestIdHeader, owned),
    response: createResponseHeaders(requestIdHeader),
  })
  const peers = createPeers(config.listen.trustedProxies)
  let draining = false
  let started = false
  let open = 0
  let emptied = (): void => undefined
  const opened = (): void => {
    open++
    metrics.opened()
  }
  const record = (finished: RequestRecord): void => {
    open--
    metrics.closed()
    metrics.record(finished)
    log.request(finished)
    if (open === 0) emptied()
  }
  const failed = (error: unknown, id?: string): void =>
    log.logger.error(
      { request_id: id, error: error instanceof Error ? (error.stack ?? error.name) : 'unknown' },
      'internal',
    )

  const handle = createHandler({
    resources: config.resources,
    verifier,
    forwarder,
    peers,
    policy: { targetSize: config.listen.limits.targetSize, requireHttps: config.listen.requireHttps },
    limits: config.listen.limits,
    bodyIdleMs: config.listen.timeouts.bodyIdleMs,
    exposeReason: config.refusals.exposeReason,
    requestIdHeader,
    requestId,
    protectedNames: protectedNames(owned),
    pseudonym: `audgate-${randomBytes(4).toString('hex')}`,
    tolerances: new Map(config.issuers.map(({ name, token }) => [name, token.clockToleranceSeconds])),
    now: seconds,
    monotonic,
    opened,
    closed: record,
    failed,
    draining: () => draining,
  })
  const listener = createListener({
    listen: config.listen,
    handle,
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
      const answer = answerRefusal(refusal, unread, unread.requestId, config.refusals.exposeReason)
      unread.status = answer.status
      opened()
      record(unread)
      return rawAnswer(refusalAnswer(answer), [requestIdHeader, unread.requestId])
    },
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
        issuers.map(({ name, issuer, keys }) => {
          const report = keys.report()
          // The query of a URL may hold an API key.
          return { name, issuer, ...report, jwksUri: report.jwksUri?.split('?', 1)[0] }
        }),
      // Routes are a listing of their own; the trees they are compiled into would say nothing to anybody.
      config: () =>
        redact({
          ...config,
          resources: undefined,
          upstreams: config.upstreams.map(({ key, options }) => ({ key, ...options })),
        }),
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
      await Promise.all(issuers.map(({ keys }) => keys.reload()))
      for (const { name, keys } of issuers) {
        const { state, keys: count, lastError } = keys.report()
        log.logger.info({ issuer: name, state, keys: count, detail: lastError }, 'keys loaded again')
      }
    },
    close: async (delayMs) => {
      draining = true
      stopWaiting()
      readiness.drain()
      metrics.setDraining(true)
      metrics.setReady(false)
      log.logger.info({ delay_ms: delayMs, drain_ms: config.listen.timeouts.drainMs }, 'draining')
      if (delayMs > 0 && started) await setTimeout(delayMs)
      const cut = started ? await listener.close(config.listen.timeouts.drainMs) : 0
      // What was cut tells its own story first: the client's connection ended, not the upstream's. The events of its
      // end come a little after those of the listener's.
      const told = new Promise<void>((resolve) => {
        emptied = resolve
      })
      if (open > 0) await Promise.race([told, setTimeout(lastWordsMs, undefined, { ref: false })])
      await pools.destroy()
      await Promise.all(issuers.map(({ keys }) => keys.close()))
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

const keyEvents = (metrics: Metrics, log: Log, changed: (issuer: string, state: KeyState) => void): KeyEvents => {
  const last = new Map<string, KeyState>()
  return {
    fetched: (issuer, result, message) => {
      metrics.keyEvents.fetched(issuer, result)
      if (result === 'ok' || result === 'not_modified') log.logger.debug({ issuer, result }, 'keys fetched')
      else log.logger.warn({ issuer, result, detail: message }, 'keys not fetched')
    },
    stateChanged: (issuer, report) => {
      metrics.keyEvents.stateChanged(issuer, report)
      // Told after every attempt; the log wants to know of changes only.
      if (last.get(issuer) !== report.state) {
        log.logger.info({ issuer, state: report.state, keys: report.keys }, 'key state')
      }
      last.set(issuer, report.state)
      changed(issuer, report.state)
    },
    unknownKid: metrics.keyEvents.unknownKid,
    keyDropped: (issuer, kid, why) => log.logger.warn({ issuer, kid, detail: why }, 'key not used'),
    warned: (issuer, message) => log.logger.warn({ issuer, detail: message }, 'issuer'),
  }
}
