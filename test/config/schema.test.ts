import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { z } from 'zod'
import { jsonSchema } from '../../src/config/json-schema.ts'
import { parseConfig } from '../../src/config/load.ts'

const directory = resolve(import.meta.dirname, '../../config')
const golden = resolve(import.meta.dirname, '../golden/config')
const examples = readdirSync(directory).filter((name) => name.endsWith('.yaml') && name !== 'docker-compose.yaml')
const env = { ISSUER: 'https://auth.example.com/oidc', RESOURCE: 'https://api.example.com/orders' }
const read = (name: string): string => readFileSync(resolve(directory, name), 'utf8')
const written = z.fromJSONSchema(jsonSchema() as Parameters<typeof z.fromJSONSchema>[0])

test('config/audgate.schema.json is what `audgate schema` prints', () => {
  const fresh = read('audgate.schema.json') === `${JSON.stringify(jsonSchema(), null, 2)}\n`
  assert.ok(fresh, 'stale: npm run --silent audgate -- schema > config/audgate.schema.json')
})

for (const name of examples) {
  test(`config/${name} loads without a warning, names its schema and fits it`, () => {
    const loaded = parseConfig(read(name), name, { env })
    assert.deepEqual(loaded.ok ? loaded.config.warnings : loaded.problems, [])
    assert.match(read(name), /^# yaml-language-server: \$schema=\.\/audgate\.schema\.json\n/)
    assert.equal(written.safeParse(parse(read(name))).success, true)
  })
}

for (const name of readdirSync(golden).filter((file) => /^(?:good|warn)-.*\.yaml$/.test(file))) {
  test(`the schema takes ${name}, as check does`, () => {
    assert.equal(written.safeParse(parse(readFileSync(resolve(golden, name), 'utf8'))).error, undefined)
  })
}

for (const name of ['key-misspelt', 'key-missing', 'key-wrong-type', 'key-not-supported-yet', 'duration-and-size']) {
  test(`the schema refuses ${name}.yaml, as check does`, () => {
    assert.equal(written.safeParse(parse(readFileSync(resolve(golden, `${name}.yaml`), 'utf8'))).success, false)
  })
}
