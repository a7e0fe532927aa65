import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { chart } from './values-file.ts'
import { valuesSchema, valuesSchemaText } from './values-schema.ts'

type Json = Record<string, unknown>

const { schema, unused } = valuesSchema()
const properties = schema.properties as Record<string, Json>

test('values.schema.json is up to date; else node --import tsx test/helm/values-schema.ts > helm/audgate/values.schema.json', () => {
  assert.equal(readFileSync(new URL('values.schema.json', chart), 'utf8'), valuesSchemaText())
})

test('the table of particular values names no key that values.yaml has not', () => {
  assert.deepEqual(unused, [])
})

test('CT-11: `config` takes the keys that the config file takes, and no other', () => {
  const config = properties.config
  assert.deepEqual(Object.keys(config?.properties ?? {}), Object.keys((jsonSchema() as Json).properties ?? {}))
  assert.equal(config?.additionalProperties, false)
})

test('CT-4: only `global` and what belongs to Kubernetes is open', () => {
  const open = Object.entries(properties)
    .filter(([, inner]) => inner.properties && inner.additionalProperties !== false)
    .map(([name]) => name)
  assert.deepEqual(open, ['global'])
  assert.equal(schema.additionalProperties, false)
})

test('every reference of the schema has its definition', () => {
  const referred = [...JSON.stringify(schema).matchAll(/"\$ref":"#\/\$defs\/([^"]+)"/g)].map(([, name]) => name)
  assert.notEqual(referred.length, 0)
  assert.deepEqual(
    referred.filter((name) => !Object.hasOwn(schema.$defs as Json, name ?? '')),
    [],
  )
})
