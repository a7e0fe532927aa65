import assert from 'node:assert/strict'
import { readdirSync, readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { test } from 'node:test'
import { checkOutput } from './check-output.ts'

const directory = resolve(import.meta.dirname, '../golden/config')
const cases = readdirSync(directory)
  .filter((name) => name.endsWith('.yaml'))
  .map((name) => name.replace(/\.yaml$/, ''))

test('there are golden files for at least 45 bad configs', () => {
  const bad = cases.filter((name) => !/^(?:good|warn)-/.test(name))
  assert.ok(bad.length >= 45, `${bad.length}`)
})

for (const name of cases) {
  test(`check says of ${name}.yaml what ${name}.txt says, and nothing else`, async () => {
    const { output, status } = await checkOutput(join(directory, `${name}.yaml`))
    assert.equal(output, readFileSync(join(directory, `${name}.txt`), 'utf8'))
    assert.equal(status, /^(?:good|warn)-/.test(name) ? 0 : 1)
  })
}
