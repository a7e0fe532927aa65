import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { test } from 'node:test'

test('10,000 upstreams with 10 routes each load in under 3 s of work and 400 MB', (t) => {
  const directory = mkdtempSync(join(tmpdir(), 'audgate-large-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const file = join(directory, 'large.yaml')
  writeFileSync(file, largeConfig())

  const child = spawnSync(
    process.execPath,
    ['--import', 'tsx', resolve(import.meta.dirname, 'load-and-measure.ts'), file],
    { encoding: 'utf8' },
  )
  assert.equal(child.stderr, '')
  const measured = JSON.parse(child.stdout)
  t.diagnostic(child.stdout.trim())
  assert.equal(measured.resources, 10_000)
  assert.equal(measured.routes, 110_000)
  assert.ok(measured.threadMs < 3_000, `${measured.threadMs} ms`)
  assert.ok(measured.maxRssMB < 400, `${measured.maxRssMB} MB`)
})

const largeConfig = (): string => {
  const lines = ['issuers:', '  main: https://auth.example.com/oidc', 'upstreams:']
  for (let i = 0; i < 10_000; i++) {
    lines.push(`  http://10.0.${i >> 8}.${i & 255}:3000/v1:`)
    lines.push(`    resource: https://api.example.com/service-${i}`, '    routes:')
    for (let j = 0; j < 10; j++) lines.push(`      ${j % 2 ? 'GET' : 'POST,PUT'} /things-${j}/{id}: service:do:${j}`)
  }
  return lines.join('\n')
}
