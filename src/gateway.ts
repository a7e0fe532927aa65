import { randomBytes } from 'node:crypto'
import type { AddressInfo } from 'node:net'
import { setTimeout } from 'node:timers/promises'
import { certificateEnds } from './certificates.ts'
import type { Config, Issuer } from './config/config.ts'
import { nearMiss } from './decision/near-miss.ts'
import {
  droppedConnections,
  faultEvent,
  issuerEvents,
  poolEvents,
  readinessReporter,
  storeEvents,
  warningsOf,
} from './gateway-events.ts'
import { gatewayStatus } from './gateway-status.ts'
import { createGeneration, type Generation, type Lasting } from './generation.ts'
import { createAdmin } from './http/admin.ts'
import type { AdminDependencies } from './http/admin-endpoints.ts'
import { createListener } from './http/listener.ts'
import { beginIssuer, forgetter, type IssuerInUse } from './issuers-in-use.ts'
import { type Clock, systemClock } from './keys/clock.ts'
import { createLog, type Log } from './observe/log.ts'
import { createMetrics } from './observe/metrics.ts'
import { createReadiness } from './observe/readiness.ts'
import { createStore } from './store/index.ts'
import { createSuccession } from './succession.ts'
import { createTokenCache } from './token/cache.ts'
import { createTraffic } from './traffic.ts'
import { sharedPools } from './upstream/shared-pools.ts'
import { createTunnels } from './upstream/tunnel.ts'
import { version } from './version.ts'

/** A running gateway: everything that one configuration asks for, and then the next one, and the end of it. */
export interface Gateway {
  /** Binds the admin listener, then the public one. Rejects when an address is taken. */
  listen(): Promise<{ readonly address: AddressInfo; readonly admin: AddressInfo | undefined }>
  /**
   * Puts another config in the place of the running one; what needs a restart is kept and warned about. New requests meet
   * it when this resolves, those in flight finish on the one they began on. Waits a little for the keys of issuers that
   * are new. One reload after the other; never rejects.
   *
   * @returns false: a bug of ours has kept it from its place, and the one before goes on
   */
  reload(next: Config): Promise<boolean>
  /** Loads the keys of every issuer again, now (AS-11). The config stays as it is. Never rejects. */
  refreshKeys(): Promise<void>
  /** A reload was asked for, and there is no valid config: the metrics say so. */
  reloadFailed(): void
  /** What the admin listener tells and does. */
  readonly status: AdminDependencies
  /**
   * Readiness off, goes on accepting for `delayMs` with `Connection: close`, then finishes what is in flight within
   * `listen.timeouts.drain`. A reload that has not come to its end has no effect any more.
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
  /** Which one of several it is: there is no admin listener, whatever the config says. */
  readonly worker?: number
}

/** The defaults of production. */
export const production: GatewayDependencies = { logTarget: 1, clock: systemClock }

/** Wires the rooms for one configuration. Key sources begin to load at once; nothing is bound before `listen`. */
export const createGateway = (config: Config, { logTarget, clock, worker }: GatewayDependencies): Gateway => {
  const seconds = (): number => clock.now() / 1000
  const monotonic = (): number => performance.now()
  const issuerNames = config.issuers.map(({ name }) => name)
  const metrics = createMetrics({
    version,
    node: process.version,
    configHash: config.hash,
    issuers: issuerNames,
    health: () =>
      current.config.upstreams.flatMap(({ resource }) =>
        (current.upstreams[resource.index]?.pool.health() ?? []).map(({ replica, healthy }) => ({
          resource: resource.name,
          upstream: replica.name,
          healthy,
        })),
      ),
    certificates: certificateEnds(config),
    now: seconds,
  })
  const log = createLog(config.log, {
    target: logTarget,
    nearMiss: ({ refusal, resource }) => refusal && nearMiss(refusal, resource),
    now: clock.now,
    worker,
  })
  const readiness = createReadiness({ ...config.readiness, issuers: issuerNames, now: monotonic })
  const reportReadiness = readinessReporter(readiness, metrics, log)
  const stopWaiting = clock.after(config.readiness.maxWaitMs, reportReadiness)
  const store = createStore(config.store, { events: storeEvents(metrics, log), clock, random: Math.random, monotonic })
  const tokens = createTokenCache(tokenCacheBytes)
  const forgetVoid = forgetter(tokens, (name) => current.issuers.get(name))
  const events = issuerEvents(metrics, log, (name, state) => {
    if (state !== undefined) readiness.issuerState(name, state)
    reportReadiness()
    forgetVoid(name)
  })
  const begin = (issuer: Issuer, before?: IssuerInUse): IssuerInUse =>
    beginIssuer(issuer, { store, clock, monotonic, events }, before)
  const pools = sharedPools({ now: monotonic, after: clock.after, events: poolEvents(log) })
  const tunnels = createTunnels({ now: seconds })
  const failed = faultEvent(log)

  let draining = false
  // What is left of the drain is cut now: not by those who are.
  let cutting = false
  let started = false
  const traffic = createTraffic(metrics, log)
  const lasting: Lasting = {
    pseudonym: `audgate-${randomBytes(4).toString('hex')}`,
    now: seconds,
    monotonic,
    tokens,
    tokenEvents: metrics.tokenEvents,
    proofs: { store, events: { degraded: metrics.store.degraded } },
    nonceSecret: randomBytes(32),
    pools,
    tunnels,
    histories: new WeakMap(),
    ground: () => current,
    opened: traffic.opened,
    closed: traffic.closed,
    tunnelled: traffic.tunnelled,
    failed,
    draining: () => draining,
    cutting: () => cutting,
  }
  let current: Generation = createGeneration(
    config,
    config.issuers.map((issuer) => begin(issuer)),
    lasting,
  )

  const drops = droppedConnections(log, clock.after)
  const listener = createListener({
    listen: config.listen,
    handle: (request, response, expects, upgraded) => current.handle(request, response, expects, upgraded),
    dropped: drops.dropped,
    lastCall: () => {
      cutting = true
      return tunnels.close()
    },
    failed,
    refuse: (refusal, socket) => current.refuse(refusal, socket),
  })
  const succession = createSuccession({
    current: () => current,
    swap: (next) => {
      current = next
    },
    begin,
    lasting,
    listener,
    metrics,
    readiness,
    tokens,
    pools,
    tunnels,
    clock,
    log,
    failed,
  })
  const status = gatewayStatus({
    current: () => current,
    started: () => started,
    drain: () => {
      draining = true
    },
    ready: reportReadiness,
    metrics,
    failed,
  })
  const admin = worker === undefined && config.admin ? createAdmin(config.admin, status) : undefined

  return {
    log,
    status,
    listen: async () => {
      warningsOf(config, log)
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
    reload: succession.reload,
    reloadFailed: metrics.reloadFailed,
    refreshKeys: succession.refreshKeys,
    close: async (delayMs, drainMs = current.config.listen.timeouts.drainMs) => {
      draining = true
      stopWaiting()
      readiness.drain()
      metrics.setDraining(true)
      metrics.setReady(false)
      log.logger.info({ delay_ms: delayMs, drain_ms: drainMs }, 'draining')
      if (delayMs > 0 && started) await setTimeout(delayMs)
      const cut = started ? await listener.close(drainMs) : 0
      drops.close()
      // Those who waited for an issuer when they were cut would else wait on.
      const issuersClosed = succession.closeIssuers()
      // What was cut tells its own story first: the client's connection ended, not the upstream's.
      await traffic.over()
      await succession.destroyPools()
      await issuersClosed
      await store.close()
      await admin?.close()
      log.logger.info({ cut }, 'closed')
      await log.close()
      return cut
    },
  }
}

const tokenCacheBytes = 64 * 1024 * 1024
