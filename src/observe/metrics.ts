import { collectDefaultMetrics, Registry } from 'prom-client'
import { expose } from './exposition.ts'
import { type MetricName, metricFamilies } from './families.ts'
import { createIssuerMetrics } from './issuer-metrics.ts'
import type { RecordSink } from './record.ts'
import { createRequestMetrics } from './request-metrics.ts'
import { type Cell, type CellFamily, createCells, type HistogramFamily, type Labels } from './series.ts'
import { createStoreMetrics } from './store-metrics.ts'

/** What the composition root feeds and what the admin listener reads. */
export interface Metrics {
  readonly record: RecordSink
  /** One more request in flight, and one less. */
  opened(): void
  closed(): void
  /** A request in flight became a tunnel; and such a tunnel ended. */
  tunnelOpened(): void
  tunnelClosed(): void
  readonly keyEvents: ReturnType<typeof createIssuerMetrics>['keyEvents']
  readonly tokenEvents: ReturnType<typeof createIssuerMetrics>['tokenEvents']
  readonly introspected: ReturnType<typeof createIssuerMetrics>['introspected']
  readonly store: ReturnType<typeof createStoreMetrics>
  /** A reload brings these issuers, by their config names; or has taken these out. */
  readonly issuersAdded: (names: readonly string[]) => void
  readonly issuersRemoved: (names: readonly string[]) => void
  /** A config was put in the place of the running one. */
  reloaded(config: Pick<MetricsOptions, 'configHash' | 'certificates'>): void
  /** A config was to be, and is not valid. */
  reloadFailed(): void
  setReady(ready: boolean): void
  setDraining(draining: boolean): void
  /** The Prometheus text format, {@link metricFamilies} and prom-client's process metrics. */
  expose(): Promise<string>
  readonly contentType: string
}

export interface ReplicaHealth {
  readonly resource: string
  /** The base URI as written. */
  readonly upstream: string
  readonly healthy: boolean
}

export interface MetricsOptions {
  readonly version: string
  /** Version of Node. */
  readonly node: string
  /** `Config.hash` */
  readonly configHash: string
  /** Config names; the only values the label `issuer` takes, besides `_unknown`. */
  readonly issuers: readonly string[]
  /** How every replica is, asked for at each scrape; names of the config. */
  readonly health: () => Iterable<ReplicaHealth>
  /** When each certificate of the gateway ends, in seconds since the epoch, by its name. */
  readonly certificates: Readonly<Record<string, number>>
  /** Seconds since the epoch. */
  readonly now: () => number
}

/**
 * Makes the metrics of one gateway: our own, and prom-client's of the process in a registry that nobody else has. The number of series is bounded by the config and by
 * closed sets, whatever strangers send (TC-8).
 */
export const createMetrics = ({
  version,
  node,
  configHash,
  issuers,
  health,
  certificates: ends,
  now,
}: MetricsOptions): Metrics => {
  const request = createRequestMetrics()
  const issuer = createIssuerMetrics(issuers, now)
  const store = createStoreMetrics()
  const single = (value: number, labels: Labels = {}): CellFamily => {
    const family = createCells()
    family.add(labels, value)
    return family
  }
  const certificates = createCells()
  const config = createCells()
  const show = ({
    configHash: hash,
    certificates: ends,
  }: Pick<MetricsOptions, 'configHash' | 'certificates'>): void => {
    config.remove(config.cells)
    config.add({ hash }, 1)
    certificates.remove(certificates.cells)
    for (const [name, notAfter] of Object.entries(ends)) certificates.add({ name }, notAfter)
  }
  show({ configHash, certificates: ends })
  const successful = single(1)
  const lastSuccess = single(now())
  const open = single(0)
  const tunnels = single(0)
  const healths = createCells()
  const healthCells = new Map<string, Cell>()
  const ready = single(0)
  const draining = single(0)

  const series = {
    audgate_requests_total: request.requests,
    audgate_request_duration_seconds: request.durations,
    audgate_decisions_total: request.decisions,
    audgate_token_validations_total: issuer.validations,
    audgate_token_cache_total: issuer.cache,
    audgate_overhead_seconds: request.overhead,
    audgate_upstream_duration_seconds: request.upstream,
    audgate_upstream_errors_total: request.errors,
    audgate_upstream_healthy: healths,
    audgate_open_requests: open,
    audgate_open_tunnels: tunnels,
    audgate_jwks_fetches_total: issuer.fetches,
    audgate_jwks_keys: issuer.keys,
    audgate_jwks_last_success_timestamp_seconds: issuer.lastSuccess,
    audgate_jwks_state: issuer.states,
    audgate_jwks_unknown_kid_total: issuer.unknownKid,
    audgate_introspections_total: issuer.introspections,
    audgate_store_operations_total: store.operations,
    audgate_store_degraded_total: store.degradations,
    audgate_tls_certificate_not_after_timestamp_seconds: certificates,
    audgate_ready: ready,
    audgate_draining: draining,
    audgate_config_last_reload_successful: successful,
    audgate_config_last_reload_success_timestamp_seconds: lastSuccess,
    audgate_config_info: config,
    audgate_build_info: single(1, { version, node }),
  } satisfies Record<MetricName, CellFamily | HistogramFamily>

  const registry = new Registry()
  collectDefaultMetrics({ register: registry })

  const set = (family: CellFamily, value: number): void => {
    for (const cell of family.cells) cell.value = value
  }
  const add = (family: CellFamily, value: number): void => {
    for (const cell of family.cells) cell.value += value
  }
  return {
    record: request.record,
    opened: () => add(open, 1),
    closed: () => add(open, -1),
    tunnelOpened: () => {
      add(open, -1)
      add(tunnels, 1)
    },
    tunnelClosed: () => add(tunnels, -1),
    keyEvents: issuer.keyEvents,
    tokenEvents: issuer.tokenEvents,
    introspected: issuer.introspected,
    store,
    issuersAdded: (names) => names.forEach(issuer.added),
    issuersRemoved: issuer.removed,
    reloaded: (next) => {
      show(next)
      healths.remove(healths.cells)
      healthCells.clear()
      set(successful, 1)
      set(lastSuccess, now())
    },
    reloadFailed: () => set(successful, 0),
    setReady: (value) => set(ready, value ? 1 : 0),
    setDraining: (value) => set(draining, value ? 1 : 0),
    expose: async () => {
      for (const { resource, upstream, healthy } of health()) {
        const key = `${resource} ${upstream}`
        const cell = healthCells.get(key) ?? healths.add({ resource, upstream })
        healthCells.set(key, cell)
        cell.value = healthy ? 1 : 0
      }
      const own = metricFamilies.map((family) => expose(family, series[family.name]))
      return own.join('') + (await registry.metrics())
    },
    contentType: registry.contentType,
  }
}
