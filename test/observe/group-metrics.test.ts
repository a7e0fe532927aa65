import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { test } from 'node:test'
import { readExposition } from '../../src/observe/add-up.ts'
import { createGroupMetrics } from '../../src/observe/group-metrics.ts'
import { createMetrics, type Metrics } from '../../src/observe/metrics.ts'
import { requireProgram } from '../support/programs.ts'
import { record } from '../support/records.ts'

const createWorker = (): Metrics =>
  createMetrics({
    version: '1.2.3',
    node: 'v26.0.0',
    configHash: 'abcdef012345',
    issuers: ['main'],
    health: () => [{ resource: 'orders', upstream: 'http://127.0.0.1:3000', healthy: true }],
    certificates: {},
    now: () => 1_800_000_000,
  })

const countedBy = async (metrics: Metrics, serving = true) => ({
  counted: readExposition(await metrics.expose()),
  serving,
})

const linesOf = (text: string, name: string): readonly string[] =>
  text.split('\n').filter((line) => line.startsWith(`${name}{`) || line.startsWith(`${name} `))

test('two workers have the series that one has, no label more, and the sums of both', async (t) => {
  const [one, other] = [createWorker(), createWorker()]
  one.record(record())
  other.record(record())
  other.record(record())
  const group = createGroupMetrics(() => 1)
  const text = await group.expose([await countedBy(one), await countedBy(other)])
  const names = (all: string) =>
    all
      .split('\n')
      .filter((line) => line !== '' && !/^#|^nodejs_active|^nodejs_gc/.test(line))
      .map((line) => line.slice(0, line.lastIndexOf(' ')))
      .sort()
  assert.deepEqual(names(text), names(await one.expose()))
  assert.deepEqual(linesOf(text, 'audgate_requests_total'), [
    'audgate_requests_total{resource="orders",route="GET /{id}",method="GET",code="200"} 3',
  ])
  const promtool = requireProgram(t, 'promtool')
  if (promtool === undefined) return
  const { status, stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input: text, encoding: 'utf8' })
  // What promtool says of prom-client's own names is not ours to mend.
  const ours = (stdout + stderr).split('\n').filter((line) => line.startsWith('audgate_') || line.startsWith('error'))
  assert.deepEqual(ours, [])
  assert.notEqual(status, 1, stderr)
})

test("memory is added up, the supervisor's own included", async () => {
  const group = createGroupMetrics(() => 1)
  const memoryOf = (text: string) => Number(linesOf(text, 'process_resident_memory_bytes')[0]?.split(' ')[1])
  const alone = memoryOf(await group.expose([]))
  const counted = readExposition(
    '# HELP process_resident_memory_bytes x\n# TYPE process_resident_memory_bytes gauge\nprocess_resident_memory_bytes 1e12\n',
  )
  assert.ok(alone > 1e6)
  assert.ok(memoryOf(await group.expose([{ counted, serving: true }])) > 1e12 + 1e6)
})

test('a worker that does not serve yet adds its counts and no gauge: its keys are cold, and nobody meets that', async () => {
  const [old, young] = [createWorker(), createWorker()]
  old.keyEvents.stateChanged('main', { state: 'fresh', keys: 2, lastSuccess: 5 })
  young.keyEvents.fetched('main', 'timeout')
  const group = createGroupMetrics(() => 1)
  const text = await group.expose([await countedBy(old), await countedBy(young, false)])
  assert.deepEqual(linesOf(text, 'audgate_jwks_keys'), ['audgate_jwks_keys{issuer="main"} 2'])
  assert.deepEqual(linesOf(text, 'audgate_jwks_fetches_total'), [
    'audgate_jwks_fetches_total{issuer="main",result="timeout"} 1',
  ])
  const first = await group.expose([await countedBy(young, false)])
  assert.deepEqual(linesOf(first, 'audgate_jwks_keys'), ['audgate_jwks_keys{issuer="main"} 0'], 'nobody serves')
})

test('what the group knows is told and not what its workers think: readiness, draining and the last reload', async () => {
  let now = 100
  const group = createGroupMetrics(() => now)
  const worker = createWorker()
  worker.setReady(true)
  const values = async () => {
    const text = await group.expose([await countedBy(worker)])
    return [
      'audgate_ready',
      'audgate_draining',
      'audgate_config_last_reload_successful',
      'audgate_config_last_reload_success_timestamp_seconds',
    ].map((name) => linesOf(text, name).join().split(' ')[1])
  }
  assert.deepEqual(await values(), ['0', '0', '1', '100'])
  group.setReady(true)
  group.setDraining(true)
  group.reloadFailed()
  assert.deepEqual(await values(), ['1', '1', '0', '100'])
  now = 200
  group.reloaded()
  group.setReady(false)
  group.setDraining(false)
  assert.deepEqual(await values(), ['0', '0', '1', '200'])
})
