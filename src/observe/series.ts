/** One series of a counter or gauge: the value is changed in place. */
export interface Cell {
  /** In the text format, `a="b",c="d"`: made once, so that a scrape only joins strings. */
  readonly labels: string
  value: number
}

/** One set of histogram series. */
export interface HistogramCell {
  /** As in {@link Cell}; never empty. */
  readonly labels: string
  /** Not cumulative; the last one counts what is above every bound. */
  readonly counts: Float64Array
  sum: number
}

export type Labels = Readonly<Record<string, string>>

/** All series of a counter or gauge, in the order of their making. */
export interface CellFamily {
  readonly cells: Cell[]
  add(labels: Labels, value?: number): Cell
  /** Ends these series: what they tell of is no more. */
  remove(gone: readonly Cell[]): void
}

/** All series of a histogram. */
export interface HistogramFamily {
  /** Upper bounds in seconds, ascending, without `+Inf`. */
  readonly bounds: readonly number[]
  readonly cells: HistogramCell[]
  add(labels: Labels): HistogramCell
  /** Values that are negative or no numbers (a phase that was never reached) are left out. */
  observe(cell: HistogramCell, seconds: number): void
}

/** An empty family of counters or gauges. Label values must be bounded by the caller. */
export const createCells = (): CellFamily => {
  const cells: Cell[] = []
  return {
    cells,
    add: (labels, value = 0) => {
      const cell = { labels: labelText(labels), value }
      cells.push(cell)
      return cell
    },
    remove: (gone) => {
      const without = new Set(gone)
      const left = cells.filter((cell) => !without.has(cell))
      cells.splice(0, cells.length, ...left)
    },
  }
}

/** An empty histogram over these bounds. */
export const createHistogram = (bounds: readonly number[]): HistogramFamily => {
  const cells: HistogramCell[] = []
  const size = bounds.length
  return {
    bounds,
    cells,
    add: (labels) => {
      const cell = { labels: labelText(labels), counts: new Float64Array(size + 1), sum: 0 }
      cells.push(cell)
      return cell
    },
    observe: (cell, seconds) => {
      if (!(seconds >= 0 && seconds < Number.POSITIVE_INFINITY)) return
      let bucket = 0
      while (bucket < size && seconds > (bounds[bucket] as number)) bucket++ // below `size` there is a bound
      cell.counts[bucket] = (cell.counts[bucket] as number) + 1 // as above: one count more than bounds
      cell.sum += seconds
    },
  }
}

/** Names of the config may hold what the text format escapes. */
const labelText = (labels: Labels): string =>
  Object.entries(labels)
    .map(
      ([name, value]) => `${name}="${value.replace(/[\\"\n]/g, (found) => (found === '\n' ? '\\n' : `\\${found}`))}"`,
    )
    .join(',')
