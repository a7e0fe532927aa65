import assert from 'node:assert/strict'
import { readdirSync, readFileSync, writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { parseConfig } from '../src/config/load.ts'
import { reasons, refusalTable } from '../src/decision/challenge.ts'
import { version } from '../src/version.ts'
import { configTable, metricsTable } from './support/readme-tables.ts'

const file = new URL('../README.md', import.meta.url)
const manifest = JSON.parse(readFileSync(new URL('../package.json', import.meta.url), 'utf8'))
const schema = JSON.parse(readFileSync(new URL('../config/audgate.schema.json', import.meta.url), 'utf8'))

/** Tables that say again what the code says are made from it: `AUDGATE_UPDATE=1 npm test -- test/readme.test.ts`. */
const generated = { 'config keys': configTable(schema), metrics: metricsTable() }

const block = (name: string): RegExp => new RegExp(`(<!-- ${name} -->\n)[\\s\\S]*?(\n<!-- end of ${name} -->)`)

if (process.env.AUDGATE_UPDATE === '1') {
  let text = readFileSync(file, 'utf8')
  for (const [name, table] of Object.entries(generated)) {
    text = text.replace(block(name), (_, start: string, end: string) => `${start}\n${table}\n${end}`)
  }
  writeFileSync(file, text)
}

const readme = readFileSync(file, 'utf8')

for (const [name, table] of Object.entries(generated)) {
  test(`the README's table of ${name} is what the code says`, () => {
    const found = block(name).exec(readme)?.[0] ?? ''
    assert.equal(
      found
        .split('\n')
        .filter((line) => line.startsWith('|'))
        .join('\n'),
      table,
    )
  })
}

test('the README has every reason with its status and challenge, and no other', () => {
  const table = /\| reason \|[\s\S]*?\n\n/.exec(readme)?.[0] ?? ''
  const rows = table
    .split('\n')
    .slice(2, -2)
    .map((line) => {
      const [, reason = '', status, challenge] = line.split('|').map((cell) => cell.trim())
      return {
        reason: reason.replace(/[`¹ ]/g, ''),
        unproven: reason.endsWith('¹'),
        status: Number(status),
        challenge: challenge === '' ? 'none' : challenge === 'no `error`' ? 'bare' : challenge?.replace(/[`² ]/g, ''),
      }
    })
  const expected = reasons.map((reason) => {
    const row = refusalTable[reason]
    return { reason, unproven: 'unproven' in row, status: row.status, challenge: row.challenge }
  })
  assert.deepEqual(rows, expected)
})

test('the README has every command, and no other', () => {
  const commands = readdirSync(new URL('../src/commands', import.meta.url))
    .map((name) => name.replace(/\.ts$/, ''))
    .filter(
      (name) =>
        readFileSync(new URL(`../src/commands/${name}.ts`, import.meta.url), 'utf8').search(
          /^export const run\b[:\s]*[^=]*=/m,
        ) >= 0,
    )
  const table = /\| command \|[\s\S]*?\n\n/.exec(readme)?.[0] ?? ''
  const named = [...table.matchAll(/^\| `(\w+)` \|/gm)].map(([, name]) => name)
  assert.deepEqual(named.sort(), [...commands, 'version'].sort())
})

test('every config in the README loads', () => {
  const configs = [...readme.matchAll(/```yaml\n([\s\S]*?)```/g)].map(([, text]) => text ?? '')
  assert.ok(configs.length >= 3)
  for (const text of configs) {
    const loaded = parseConfig(text, 'README.yaml', { env: {} })
    assert.deepEqual(loaded.ok ? [] : loaded.problems.map(({ message }) => message), [])
  }
})

test('the two commands and every script that the README names exist', () => {
  assert.match(readme, /^ {4}npm ci && npm start$/m)
  assert.match(readme, /^ {4}npm ci && npm test$/m)
  for (const [, script = ''] of readme.matchAll(/npm run (?:--silent )?([a-z]+)/g)) {
    assert.ok(Object.hasOwn(manifest.scripts, script), script)
  }
})

test('every file that the README links to exists', () => {
  for (const [, path = ''] of readme.matchAll(/\]\((?!https?:)([^)#]+)\)/g)) {
    assert.doesNotThrow(() => readFileSync(new URL(`../${path}`, import.meta.url)), path)
  }
})

test('the version is that of the package', () => assert.equal(version, manifest.version))
