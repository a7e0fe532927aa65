import { readFileSync, writeFileSync } from 'node:fs'
import { pathToFileURL } from 'node:url'
import { chart, readValues, type Value } from './values-file.ts'

const file = new URL('README.md', chart)
const block = /(<!-- values -->\n)[\s\S]*?(\n?<!-- end of values -->)/

/** The keys with a `# --` comment, at any depth, in the order of values.yaml. */
export const documented = (keys = readValues()): readonly Value[] =>
  keys.flatMap((key) => (key.description === undefined ? documented(key.keys) : [key, ...documented(key.keys)]))

/** The value table of the chart's README: a row for each documented key. */
export const valuesTable = (): string =>
  [
    '| key | default | meaning |',
    '|---|---|---|',
    ...documented().map(
      ({ path, value, description }) => `| \`${path}\` | ${cell(value)} | ${escaped(description ?? '')} |`,
    ),
  ].join('\n')

const cell = (value: unknown): string => (value === null ? '' : `\`${escaped(JSON.stringify(value))}\``)
const escaped = (text: string): string => text.replaceAll('|', '\\|')

/** The table as it stands in the README. */
export const tableInReadme = (): string => block.exec(readFileSync(file, 'utf8'))?.[0] ?? ''

/** Writes the table: `node --import tsx test/helm/values-readme.ts`. */
if (import.meta.url === pathToFileURL(process.argv[1] ?? '').href) {
  const readme = readFileSync(file, 'utf8')
  writeFileSync(
    file,
    readme.replace(block, (_, start: string) => `${start}${valuesTable()}\n<!-- end of values -->`),
  )
}
