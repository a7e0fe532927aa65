import { reasons } from '../decision/challenge.ts'
import { type Cell, createCells } from './series.ts'

const UNKNOWN = '_unknown'
const OTHER = '_other'
const closed: ReadonlySet<string> = new Set(['none', ...reasons])
const STATES = ['cold', 'fresh', 'stale', 'expired'] as const

/** The part of a key source's report that is counted. */
interface KeyCount {
  readonly state: (typeof STATES)[number]
  readonly keys: number
  /** Seconds since the epoch; undefined: never. */
  readonly lastSuccess: number | undefined
}

interface IssuerCells {
  readonly fetches: Map<string, Cell>
  /** Undefined: a reload has taken the issuer out. Its counters stay, lest a sum goes down. */
  gauges: Gauges | undefined
  readonly unknownKid: Cell
  readonly validations: Map<string, Cell>
  readonly introspections: Map<string, Cell>
}

interface Gauges {
  readonly keys: Cell
  readonly lastSuccess: Cell
  readonly states: readonly Cell[]
}

/**
 * What is counted per issuer, and per token. `keyEvents` and `tokenEvents` have the shape of `KeyEvents` and
 * `TokenEvents` of the rooms that report; this room imports `decision/` only, so the composition root, which sees both,
 * is where the compiler compares them.
 *
 * @param issuers config names; whatever else is reported counts as `_unknown`, never under a token's own words
 * @param now seconds since the epoch
 */
export const createIssuerMetrics = (issuers: readonly string[], now: () => number) => {
  const fetches = createCells()
  const keys = createCells()
  const lastSuccess = createCells()
  const states = createCells()
  const unknownKid = createCells()
  const validations = createCells()
  const cache = createCells()
  const introspections = createCells()
  const hit = cache.add({ result: 'hit' })
  const miss = cache.add({ result: 'miss' })

  const newGauges = (issuer: string): Gauges => ({
    keys: keys.add({ issuer }),
    lastSuccess: lastSuccess.add({ issuer }),
    states: STATES.map((state) => states.add({ issuer, state }, state === 'cold' ? 1 : 0)),
  })
  const newIssuer = (issuer: string): IssuerCells => ({
    fetches: new Map(),
    gauges: newGauges(issuer),
    unknownKid: unknownKid.add({ issuer }),
    validations: new Map(),
    introspections: new Map(),
  })
  const known = new Map<string, IssuerCells>(issuers.map((name) => [name, newIssuer(name)]))
  const unknownValidations = new Map<string, Cell>()

  const keyEvents = {
    fetched(issuer: string, result: string): void {
      const cells = known.get(issuer)
      if (cells === undefined) return
      let counted = cells.fetches.get(result)
      if (counted === undefined) {
        counted = fetches.add({ issuer, result })
        cells.fetches.set(result, counted)
      }
      counted.value++
      const { gauges } = cells
      if (gauges !== undefined && (result === 'ok' || result === 'not_modified')) gauges.lastSuccess.value = now()
    },
    stateChanged(issuer: string, report: KeyCount): void {
      const gauges = known.get(issuer)?.gauges
      if (gauges === undefined) return
      const usable = report.state === 'fresh' || report.state === 'stale'
      gauges.keys.value = usable ? report.keys : 0
      if (report.lastSuccess !== undefined) gauges.lastSuccess.value = report.lastSuccess
      for (const [index, cell] of gauges.states.entries()) cell.value = STATES[index] === report.state ? 1 : 0
    },
    unknownKid(issuer: string): void {
      const cells = known.get(issuer)
      if (cells !== undefined) cells.unknownKid.value++
    },
  }

  const tokenEvents = {
    cache(result: 'hit' | 'miss'): void {
      if (result === 'hit') hit.value++
      else miss.value++
    },
    validated(name: string | undefined, word: string): void {
      const cells = name === undefined ? undefined : known.get(name)
      const issuer = cells === undefined || name === undefined ? UNKNOWN : name
      const reason = closed.has(word) ? word : OTHER
      const of = cells?.validations ?? unknownValidations
      let counted = of.get(reason)
      if (counted === undefined) {
        counted = validations.add({ issuer, result: reason === 'none' ? 'ok' : 'refused', reason })
        of.set(reason, counted)
      }
      counted.value++
    },
  }

  /** `result` is a word of a closed set: it comes from our own code. */
  const introspected = (issuer: string, result: string): void => {
    const cells = known.get(issuer)
    if (cells === undefined) return
    let counted = cells.introspections.get(result)
    if (counted === undefined) {
      counted = introspections.add({ issuer, result })
      cells.introspections.set(result, counted)
    }
    counted.value++
  }

  /** An issuer that a reload brings. */
  const added = (issuer: string): void => {
    const cells = known.get(issuer)
    if (cells === undefined) known.set(issuer, newIssuer(issuer))
    else cells.gauges ??= newGauges(issuer)
  }

  /** Those that a reload has taken out. */
  const removed = (gone: readonly string[]): void => {
    const ended: Gauges[] = []
    for (const name of gone) {
      const cells = known.get(name)
      if (cells?.gauges === undefined) continue
      ended.push(cells.gauges)
      cells.gauges = undefined
    }
    keys.remove(ended.map((gauges) => gauges.keys))
    lastSuccess.remove(ended.map((gauges) => gauges.lastSuccess))
    states.remove(ended.flatMap((gauges) => gauges.states))
  }

  return {
    added,
    removed,
    keyEvents,
    tokenEvents,
    introspected,
    introspections,
    fetches,
    keys,
    lastSuccess,
    states,
    unknownKid,
    validations,
    cache,
  }
}
