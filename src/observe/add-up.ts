import { gaugeRule } from './gauge-rules.ts'

/** One metric of an exposition. */
interface Exposed {
  /** The lines that begin with `#`. */
  readonly head: string
  readonly type: string
  /** By everything that stands before the value, labels included. */
  readonly samples: ReadonlyMap<string, number>
}

/** A text of `/metrics`, by the name of the metric and in the order of the text. */
export type Exposition = ReadonlyMap<string, Exposed>

/** Reads what {@link ./exposition.ts} and prom-client write: the Prometheus text format without time stamps. */
export const readExposition = (text: string): Exposition => {
  const metrics = new Map<string, Exposed & { readonly samples: Map<string, number> }>()
  let help = ''
  let current: Map<string, number> | undefined
  for (const line of text.split('\n')) {
    if (line.startsWith('# HELP ')) {
      help = `${line}\n`
    } else if (line.startsWith('# TYPE ')) {
      const [, , name = '', type = ''] = line.split(' ')
      current = new Map()
      metrics.set(name, { head: `${help}${line}\n`, type, samples: current })
      help = ''
    } else if (line !== '') {
      const space = line.lastIndexOf(' ')
      current?.set(line.slice(0, space), Number(line.slice(space + 1)))
    }
  }
  return metrics
}

/** The expositions of several processes as that of one, and what those had counted that are gone. */
export interface Sums {
  /** Keeps what a process had counted, which is over: totals never go down. Its gauges are gone with it. */
  retire(last: Exposition): void
  /**
   * All of them as one text, in the order of the first: counters and histograms added up, each gauge by its rule.
   *
   * @param instead metrics that take the place of theirs
   */
  expose(living: readonly Exposition[], instead: Exposition): string
}

/** Nothing retired yet. */
export const createSums = (): Sums => {
  const retired = new Map<string, Exposed & { readonly samples: Map<string, number> }>()
  return {
    retire: (last) => {
      for (const [name, { head, type, samples }] of last) {
        if (type === 'gauge') continue
        const kept = retired.get(name) ?? { head, type, samples: new Map<string, number>() }
        retired.set(name, kept)
        for (const [series, value] of samples) kept.samples.set(series, (kept.samples.get(series) ?? 0) + value)
      }
    },
    expose: (living, instead) => {
      const all = [...living, retired, instead]
      let text = ''
      for (const name of new Set(all.flatMap((one) => [...one.keys()]))) {
        const own = instead.get(name)
        const parts = own ? [own] : all.flatMap((one) => one.get(name) ?? [])
        text += parts[0]?.head
        for (const [series, value] of together(name, parts)) text += `${series} ${value}\n`
      }
      return text
    },
  }
}

const together = (name: string, parts: readonly Exposed[]): ReadonlyMap<string, number> => {
  const rule = parts[0]?.type === 'gauge' ? gaugeRule(name) : 'sum'
  const values = new Map<string, number>()
  for (const { samples } of parts) {
    for (const [series, value] of samples) {
      const before = values.get(series)
      if (before === undefined) values.set(series, value)
      else values.set(series, rule === 'sum' ? before + value : Math[rule](before, value))
    }
  }
  return name === 'audgate_jwks_state' ? worstStates(values) : values
}

/** Of one issuer one state holds: the worst that any of them is in. */
const worstStates = (values: ReadonlyMap<string, number>): ReadonlyMap<string, number> => {
  const states = new Map(values)
  const seen = new Set<string>()
  for (const state of ['expired', 'cold', 'stale', 'fresh']) {
    for (const [series, value] of values) {
      const issuer = series.replace(`,state="${state}"}`, '')
      if (issuer === series || value === 0) continue
      if (seen.has(issuer)) states.set(series, 0)
      seen.add(issuer)
    }
  }
  return states
}
