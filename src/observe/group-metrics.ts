import { collectDefaultMetrics, Registry } from 'prom-client'
import { createSums, type Exposition, readExposition } from './add-up.ts'
import { expose } from './exposition.ts'
import { type MetricName, metricFamilies } from './families.ts'
import { createCells } from './series.ts'

/** What one worker has counted so far. */
export interface WorkerMetrics {
  readonly counted: Exposition
  /** False: it does not serve yet. Its gauges say nothing about what clients meet. */
  readonly serving: boolean
}

/** The metrics of several workers as those of one process; and those of the supervisor. */
export interface GroupMetrics {
  setReady(ready: boolean): void
  setDraining(draining: boolean): void
  reloaded(): void
  reloadFailed(): void
  /** Keeps what a worker had counted, which is over. */
  retire(last: Exposition): void
  expose(workers: readonly WorkerMetrics[]): Promise<string>
  readonly contentType: string
}

/**
 * No series more than one process has: whoever looks for one worker finds it in the log. What the group knows better
 * than its workers is its own: a worker that came in place of another does not know that the last reload failed.
 *
 * @param now seconds since the epoch
 */
export const createGroupMetrics = (now: () => number): GroupMetrics => {
  const sums = createSums()
  const registry = new Registry()
  collectDefaultMetrics({ register: registry })
  const single = (value: number) => createCells().add({}, value)
  const ready = single(0)
  const draining = single(0)
  const successful = single(1)
  const lastSuccess = single(now())
  const own: Partial<Record<MetricName, typeof ready>> = {
    audgate_ready: ready,
    audgate_draining: draining,
    audgate_config_last_reload_successful: successful,
    audgate_config_last_reload_success_timestamp_seconds: lastSuccess,
  }
  const exposeOwn = (): string =>
    metricFamilies
      .map((family) => {
        const cell = own[family.name]
        return cell === undefined ? '' : expose(family, { ...createCells(), cells: [cell] })
      })
      .join('')

  return {
    setReady: (value) => {
      ready.value = value ? 1 : 0
    },
    setDraining: (value) => {
      draining.value = value ? 1 : 0
    },
    reloaded: () => {
      successful.value = 1
      lastSuccess.value = now()
    },
    reloadFailed: () => {
      successful.value = 0
    },
    retire: sums.retire,
    expose: async (workers) => {
      const gauges = workers.some(({ serving }) => serving)
      const living = workers.map(({ counted, serving }) => (serving || !gauges ? counted : withoutGauges(counted)))
      const supervisor = readExposition(await registry.metrics())
      return sums.expose([...living, supervisor], readExposition(exposeOwn()))
    },
    contentType: registry.contentType,
  }
}

const withoutGauges = (exposition: Exposition): Exposition =>
  new Map([...exposition].filter(([, { type }]) => type !== 'gauge'))
