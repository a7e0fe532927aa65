import assert from 'node:assert/strict'
import { test } from 'node:test'
import { readValues, type Value } from './values-file.ts'
import { documented, tableInReadme, valuesTable } from './values-readme.ts'
import { valuesSchema } from './values-schema.ts'

type Schema = { readonly properties?: Readonly<Record<string, Schema>>; readonly description?: string }

const rows = (table: string): readonly string[] => table.split('\n').filter((line) => line.startsWith('|'))

test('CT-14: the value table of the README is what values.yaml says; else node --import tsx test/helm/values-readme.ts', () => {
  assert.deepEqual(rows(tableInReadme()), rows(valuesTable()))
})

test('CT-14: every key of values.yaml has a comment of its own, or one above it that covers it', () => {
  const silent = (key: Value): readonly string[] => {
    if (key.description !== undefined) return []
    return key.keys.length > 0 ? key.keys.flatMap(silent) : [key.path]
  }
  assert.deepEqual(readValues().flatMap(silent), [])
})

test('CT-14: the keys of the schema are those of the README, and `enabled` for parent charts', () => {
  const described = (schema: Schema, above: string): readonly string[] =>
    Object.entries(schema.properties ?? {}).flatMap(([name, inner]) =>
      above === '' && name === 'config'
        ? ['config.issuers', 'config.upstreams']
        : [...(inner.description === undefined ? [] : [`${above}${name}`]), ...described(inner, `${above}${name}.`)],
    )
  const keys = documented().map(({ path }) => path)
  assert.deepEqual([...described(valuesSchema().schema, '')].sort(), [...keys, 'enabled'].sort())
})
