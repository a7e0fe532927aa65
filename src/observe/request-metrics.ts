import type { Resource, Route } from '../decision/resource.ts'
import type { RequestRecord } from './record.ts'
import { type Cell, createCells, createHistogram, type HistogramCell } from './series.ts'

/** What everything counts under that no name of the config covers. */
export const UNMATCHED = '_unmatched'
const OTHER = '_other'

const METHODS = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS', 'TRACE', 'CONNECT']
const methodCodes: ReadonlyMap<string, number> = new Map(METHODS.map((method, code) => [method, code]))

const EXCHANGE_SECONDS = [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30]
const OVERHEAD_SECONDS = [0.00005, 0.0001, 0.00025, 0.0005, 0.001, 0.0025, 0.005, 0.01, 0.05, 0.25]

interface ResourceCells {
  readonly name: string
  /** By `Route.index`. */
  readonly byIndex: RouteCells[]
  readonly byKey: Map<string, RouteCells>
  /** By the first digit of the status; 0: `_other`. */
  readonly durations: (HistogramCell | undefined)[]
  upstream: HistogramCell | undefined
  readonly errors: Map<string, Cell>
}

interface RouteCells {
  readonly key: string
  /** By method code and status. */
  readonly requests: Map<number, Cell>
  allowed: Cell | undefined
  readonly denied: Map<string, Cell>
}

/**
 * The counters and histograms that one finished request changes. Series come into being when first needed, under
 * names of the config only; paths, hosts and identities of a request never reach a label (TC-8).
 */
export const createRequestMetrics = () => {
  const requests = createCells()
  const decisions = createCells()
  const errors = createCells()
  const durations = createHistogram(EXCHANGE_SECONDS)
  const upstream = createHistogram(EXCHANGE_SECONDS)
  const overhead = createHistogram(OVERHEAD_SECONDS)
  const decide = overhead.add({ phase: 'decide' })
  const total = overhead.add({ phase: 'total' })

  const byIndex: ResourceCells[] = []
  const byName = new Map<string, ResourceCells>()
  const unmatched = newResourceCells(UNMATCHED)

  const resourceCells = (resource: Resource | undefined): ResourceCells => {
    if (resource === undefined) return unmatched
    const cells = byIndex[resource.index]
    // After a reload the same number may mean another resource; the name is what counts.
    return cells?.name === resource.name ? cells : placeResource(resource, byIndex, byName)
  }

  const record = (told: RequestRecord): void => {
    const ofResource = resourceCells(told.resource)
    const resource = ofResource.name
    const ofRoute = routeCells(ofResource, told.route)
    const route = ofRoute.key

    const method = methodCodes.get(told.method) ?? METHODS.length
    const status = told.status >= 100 && told.status < 600 ? told.status : 0
    const code = method * 1000 + status
    let counted = ofRoute.requests.get(code)
    if (counted === undefined) {
      const labels = { resource, route, method: METHODS[method] ?? OTHER, code: status === 0 ? OTHER : String(status) }
      counted = requests.add(labels)
      ofRoute.requests.set(code, counted)
    }
    counted.value++

    if (told.decision === 'allow') {
      ofRoute.allowed ??= decisions.add({ resource, route, decision: 'allow', reason: 'none' })
      ofRoute.allowed.value++
    } else if (told.refusal !== undefined) {
      // Without a refusal nothing was decided: the client left while its token was looked at.
      const { reason } = told.refusal
      let denied = ofRoute.denied.get(reason)
      if (denied === undefined) {
        denied = decisions.add({ resource, route, decision: 'deny', reason })
        ofRoute.denied.set(reason, denied)
      }
      denied.value++
    }

    const hundreds = (status / 100) | 0
    let duration = ofResource.durations[hundreds]
    if (duration === undefined) {
      duration = durations.add({ resource, code_class: hundreds === 0 ? OTHER : `${hundreds}xx` })
      ofResource.durations[hundreds] = duration
    }
    durations.observe(duration, (told.endedAt - told.startedAt) / 1000)

    if (told.decidedAt > 0) overhead.observe(decide, (told.decidedAt - told.startedAt) / 1000)
    overhead.observe(total, overheadOf(told) / 1000)

    if (told.upstreamHeadAt > 0) {
      ofResource.upstream ??= upstream.add({ resource })
      upstream.observe(ofResource.upstream, (told.upstreamHeadAt - told.forwardedAt) / 1000)
    }
    if (told.refusal?.reason.startsWith('upstream_')) {
      const { reason } = told.refusal
      let failed = ofResource.errors.get(reason)
      if (failed === undefined) {
        failed = errors.add({ resource, reason })
        ofResource.errors.set(reason, failed)
      }
      failed.value++
    }
  }

  return { record, requests, decisions, errors, durations, upstream, overhead }
}

/**
 * The gateway's own part of an exchange, in milliseconds: until the hand-over to the upstream, and from the upstream's
 * head to ours; without a hand-over until our own answer. Bodies are streamed and are nobody's overhead. Waiting for
 * keys counts: the client waits for it. NaN when nothing was ever answered.
 */
const overheadOf = ({ status, startedAt, forwardedAt, upstreamHeadAt, headAt, endedAt }: RequestRecord): number => {
  if (forwardedAt === 0) return status > 0 ? (headAt || endedAt) - startedAt : Number.NaN
  const after = upstreamHeadAt > 0 && headAt > upstreamHeadAt ? headAt - upstreamHeadAt : 0
  return forwardedAt - startedAt + after
}

const placeResource = (
  { index, name }: Resource,
  byIndex: ResourceCells[],
  byName: Map<string, ResourceCells>,
): ResourceCells => {
  const cells = byName.get(name) ?? newResourceCells(name)
  byName.set(name, cells)
  byIndex[index] = cells
  return cells
}

const routeCells = (resource: ResourceCells, route: Route | undefined): RouteCells => {
  const key = route === undefined ? UNMATCHED : route.key
  if (route !== undefined) {
    const cells = resource.byIndex[route.index]
    if (cells?.key === key) return cells
  }
  const cells = resource.byKey.get(key) ?? { key, requests: new Map(), allowed: undefined, denied: new Map() }
  resource.byKey.set(key, cells)
  if (route !== undefined) resource.byIndex[route.index] = cells
  return cells
}

const newResourceCells = (name: string): ResourceCells => ({
  name,
  byIndex: [],
  byKey: new Map(),
  durations: [],
  upstream: undefined,
  errors: new Map(),
})
