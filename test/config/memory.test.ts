import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { getHeapStatistics } from 'node:v8'
import { parseConfig } from '../../src/config/load.ts'
import { heapLimitOf } from '../../src/config/memory.ts'
import { temporaryFile } from '../support/audgate-process.ts'

const upstreams = (count: number): string =>
  `issuers: {}\nupstreams:\n${Array.from({ length: count }, (_, i) => `  http://u${i}.test: { resource: https://api.test/r${i} }\n`).join('')}`

test('operations 4.5: a config that does not fit into the heap is refused as any other, and one that does is not', () => {
  const text = upstreams(5000)
  const load = (heapLimit: number) => parseConfig(text, 'audgate.yaml', { env: {}, heapLimit })
  const refused = load(process.memoryUsage().heapUsed)
  assert.ok(!refused.ok)
  assert.match(refused.problems[0]?.message ?? '', /^the config does not fit into the memory: it takes some \d+ MB/)
  assert.equal(refused.problems.length, 1)
  assert.equal(load(2 ** 40).ok, true)
})

for (const [what, text] of [
  ['200,000 duplicate keys', 'a: b\n'.repeat(200_000)],
  ['a list of 250,000', '- b\n'.repeat(250_000)],
  ['a line of 300,000 lists', `a: [${'[],'.repeat(300_000)}]`],
  ['60,000 upstreams', upstreams(60_000)],
] as const) {
  test(`OP-5: ${what} end no process that has 150 MB of heap`, (t) => {
    const file = temporaryFile(t, 'audgate.yaml', text)
    const { signal, status, stdout, stderr } = spawnSync(
      process.execPath,
      ['--max-old-space-size=150', '--import', 'tsx', 'src/main.ts', 'check', '--config', file],
      { cwd: resolve(import.meta.dirname, '../..'), encoding: 'utf8', timeout: 30_000 },
    )
    assert.deepEqual([signal, status], [null, 1], stderr.slice(-500))
    assert.match(stdout + stderr, /:\d+: /)
  })
}

test('OP-5: a worker has its part of what lasts, and all that the youngest objects may take', () => {
  const [young, whole] = [heapLimitOf(0), heapLimitOf(1)]
  assert.equal(whole, getHeapStatistics().heap_size_limit)
  // What Node adds to the size that it is given.
  const { stdout } = spawnSync(
    process.execPath,
    ['--max-old-space-size=300', '-p', 'v8.getHeapStatistics().heap_size_limit'],
    { encoding: 'utf8' },
  )
  assert.equal(young, Number(stdout) - 300 * 1024 * 1024)
  assert.equal(heapLimitOf(1 / 4) - young, (whole - young) / 4)
})
