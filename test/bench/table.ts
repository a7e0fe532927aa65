/** What was measured of one row, one number a round where it is a list. */
export interface Measured {
  readonly name: string
  /** CPU microseconds per request. */
  readonly cpu: readonly number[]
  readonly requestsPerSecond: readonly number[]
  /** CPU microseconds per request under wrk; undefined: not measured. */
  readonly wrk: number | undefined
  readonly residentMebibytes: number
  readonly readyMs: number
}

/** The rows as a Markdown table, medians of all rounds. */
export const renderTable = (rows: readonly Measured[], floorName: string): string => {
  const floor = rows.find(({ name }) => name === floorName)
  const lines = rows.map(({ name, cpu, requestsPerSecond, wrk, residentMebibytes, readyMs }) => [
    name,
    quantile(cpu, 0.5).toFixed(1),
    `${quantile(cpu, 0.25).toFixed(1)}–${quantile(cpu, 0.75).toFixed(1)}`,
    floor ? ratioTo(floor.cpu, cpu).toFixed(2) : '-',
    quantile(requestsPerSecond, 0.5).toFixed(0),
    wrk === undefined ? '-' : wrk.toFixed(1),
    residentMebibytes.toFixed(0),
    readyMs.toFixed(0),
  ])
  return renderCells(headings, lines)
}

/** A Markdown table whose first column is text and whose others are numbers. */
export const renderCells = (headings: readonly string[], lines: readonly (readonly string[])[]): string => {
  const widths = headings.map((heading, column) =>
    Math.max(heading.length, ...lines.map((cells) => cells[column]?.length ?? 0)),
  )
  const rule = widths.map((width, column) => (column === 0 ? '-'.repeat(width) : `${'-'.repeat(width - 1)}:`))
  return [headings, rule, ...lines].map((cells) => renderLine(cells, widths)).join('\n')
}

/** The median of the rounds' own ratios: what disturbs the machine in a round disturbs both sides of it. */
export const ratioTo = (base: readonly number[], values: readonly number[]): number =>
  quantile(
    values.map((value, round) => value / (base[round] ?? Number.NaN)),
    0.5,
  )

export const quantile = (values: readonly number[], part: number): number => {
  const sorted = [...values].sort((one, other) => one - other)
  const at = (sorted.length - 1) * part
  const low = sorted[Math.floor(at)] ?? Number.NaN
  const high = sorted[Math.ceil(at)] ?? Number.NaN
  return low + (high - low) * (at - Math.floor(at))
}

const headings = [
  'subject',
  'CPU µs/request',
  'middle half',
  '× floor',
  'requests/s',
  'µs, wrk',
  'RSS MiB',
  'ready ms',
] as const

const renderLine = (cells: readonly string[], widths: readonly number[]): string =>
  `| ${cells.map((cell, column) => (column === 0 ? cell.padEnd(widths[0] ?? 0) : cell.padStart(widths[column] ?? 0))).join(' | ')} |`
