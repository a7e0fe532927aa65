import assert from 'node:assert/strict'
import { readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { isMap, isScalar, parse, parseDocument, type YAMLMap } from 'yaml'
import { version } from '../../src/version.ts'
import { at, helms, objectsOf, stageExample } from './sidecar-stage.ts'

const chart = new URL('../../helm/audgate-sidecar/', import.meta.url)
const text = (name: string): string => readFileSync(new URL(name, chart), 'utf8')

/** The text between `{{- define "NAME" -}}` and its end. */
const defined = (file: string, name: string): string => {
  const found = new RegExp(`define "${name}" -}}\\n([\\s\\S]*?)\\{\\{- end -}}`).exec(text(file))?.[1]
  assert.ok(found, name)
  return found
}

const defaults = defined('templates/_defaults.tpl', 'audgate.sidecar.defaults')

/** One row for every value that has a comment `# --` of its own. */
const valuesTable = (): string => {
  const rows: string[] = []
  const visit = (map: YAMLMap, path: readonly string[]): void => {
    // The parser gives the comment above the first key to the map.
    let above = map.commentBefore ?? ''
    for (const { key, value } of map.items) {
      if (!isScalar(key)) continue
      const name = [...path, String(key.value)]
      const comment = /^ -- ([\s\S]*)$/m.exec(key.commentBefore ?? above)?.[1]
      above = ''
      if (comment === undefined && isMap(value)) {
        visit(value, name)
        continue
      }
      assert.ok(comment, `${name.join('.')} has no comment`)
      const plain = comment.replace(/\n\s*/g, ' ').replaceAll('|', '\\|')
      rows.push(`| \`${name.join('.')}\` | \`${JSON.stringify(at(parse(defaults), ...name))}\` | ${plain} |`)
    }
  }
  const { contents } = parseDocument(defaults)
  assert.ok(isMap(contents))
  visit(contents, [])
  return ['| key | default | what it says |', '|---|---|---|', ...rows].join('\n')
}

const block = (name: string): RegExp => new RegExp(`(<!-- ${name} -->\\n)([\\s\\S]*?)(<!-- end of ${name} -->)`)

if (process.env.AUDGATE_UPDATE === '1') {
  const readme = text('README.md').replace(block('values'), (_, start, __, end) => `${start}${valuesTable()}\n${end}`)
  writeFileSync(new URL('README.md', chart), readme)
}

test('CT-14: the table of values is what the library has (AUDGATE_UPDATE=1 writes it)', () => {
  assert.equal(block('values').exec(text('README.md'))?.[2], `${valuesTable()}\n`)
})

test('the image of the defaults, the chart and the program have one version', () => {
  const manifest: unknown = parse(text('Chart.yaml'))
  assert.equal(at(manifest, 'appVersion'), version)
  assert.equal(at(parse(defaults), 'image', 'tag'), version)
})

test('every map of the defaults whose members have comments refuses unknown keys', () => {
  const groups: unknown = parse(defined('templates/_defaults.tpl', 'audgate.sidecar.groups'))
  const named = [...valuesTable().matchAll(/^\| `(\w+)\.\w+`/gm)].map(([, group]) => group)
  assert.deepEqual([...new Set(groups as string[])].sort(), [...new Set(named)].sort())
})

/** The same object in the order and the notation of neither, without what only Helm says. */
const plain = (object: unknown): unknown => {
  const copy = structuredClone(object)
  const labels = at(copy, 'metadata', 'labels') as Record<string, unknown>
  delete labels['helm.sh/chart']
  delete labels['app.kubernetes.io/managed-by']
  const data = at(copy, 'data') as Record<string, unknown> | undefined
  if (data) data['audgate.yaml'] = parse(String(data['audgate.yaml']))
  return copy
}

const kindOf = (object: unknown): string => String(at(object, 'kind'))
const byKind = (objects: readonly unknown[]): ReadonlyMap<string, unknown> =>
  new Map(objects.map((object) => [kindOf(object), plain(object)]))

for (const program of helms) {
  test(`${program}: the snippet for people without Helm is what the example renders to`, async (t) => {
    const stage = await stageExample(t, program)
    if (!stage) return
    const snippet = /```yaml\n([\s\S]*)```\n/.exec(block('snippet').exec(text('README.md'))?.[2] ?? '')?.[1] ?? ''
    const { objects } = await stage.render()
    assert.equal(objects.length, 4)
    assert.deepEqual(byKind(objectsOf(snippet)), byKind(objects))
  })
}
