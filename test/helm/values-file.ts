import { readFileSync } from 'node:fs'
import { isMap, isScalar, LineCounter, type Pair, parseDocument } from 'yaml'

/** The chart, as a directory with a slash at its end. */
export const chart = new URL('../../helm/audgate/', import.meta.url)

/** One key of the chart's values. */
export interface Value {
  /** `metrics.serviceMonitor.enabled` */
  readonly path: string
  /** Its default. */
  readonly value: unknown
  /** What the `# --` comment above it says; undefined without one. */
  readonly description: string | undefined
  /** Its own keys, as far as they are written: empty for what is no map. */
  readonly keys: readonly Value[]
}

/** The keys of `values.yaml` in the order of the file, with their comments. */
export const readValues = (text = readFileSync(new URL('values.yaml', chart), 'utf8')): readonly Value[] => {
  const lineCounter = new LineCounter()
  const document = parseDocument(text, { lineCounter })
  const lines = text.split('\n')

  const read = (pair: Pair, above: string): Value => {
    if (!isScalar(pair.key) || !pair.key.range) throw new Error('a key of values.yaml is no plain text')
    const path = `${above}${pair.key.value}`
    return {
      path,
      value: toJson(pair.value),
      description: descriptionAbove(lines, lineCounter.linePos(pair.key.range[0]).line - 1),
      keys: isMap(pair.value) ? pair.value.items.map((inner) => read(inner, `${path}.`)) : [],
    }
  }

  const toJson = (node: unknown): unknown =>
    node instanceof Object && 'toJS' in node && typeof node.toJS === 'function' ? node.toJS(document) : null

  if (!isMap(document.contents)) throw new Error('values.yaml is no map')
  return document.contents.items.map((pair) => read(pair, ''))
}

/** The comment that ends in the line before, if it begins with `# --`. */
const descriptionAbove = (lines: readonly string[], line: number): string | undefined => {
  let first = line
  while (/^\s*#/.test(lines[first - 1] ?? '')) first -= 1
  const text = lines
    .slice(first, line)
    .map((comment) => comment.replace(/^\s*# ?/, ''))
    .join(' ')
  return text.startsWith('-- ') ? text.slice(3) : undefined
}
