import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createGroupMetrics } from '../../src/observe/group-metrics.ts'
import type { IssuerState } from '../../src/observe/readiness.ts'
import { groupStatus } from '../../src/workers/group-status.ts'
import { type Answers, serving, settle, stageGroup } from './group-setup.ts'

const readyWith =
  (ok: boolean, state: IssuerState = 'fresh') =>
  () => ({
    ok,
    reasons: ok ? [] : ['issuer main: no keys yet'],
    issuers: [{ name: 'main', state }],
  })

/** Workers that serve and answer so, by their numbers. */
const stage = async (...answers: readonly Answers[]) => {
  const metrics = createGroupMetrics(() => 1)
  const answersOf = (index: number): Answers => ({ metrics: () => '', ...serving, ...answers[index] })
  const { group, started, clock } = stageGroup(answers.length, answersOf, metrics.retire)
  let now = 0
  let draining = false
  const status = groupStatus({
    group,
    count: answers.length,
    metrics,
    started: () => true,
    draining: () => draining,
    maxWaitMs: 60_000,
    monotonic: () => now,
    drain: () => undefined,
    warnings: () => ['a warning'],
    failed: () => undefined,
  })
  await group.listen()
  await settle()
  return {
    status,
    started,
    clock,
    pass: (ms: number) => {
      now += ms
    },
    drain: () => {
      draining = true
    },
    ready: async () => {
      const report = status.ready()
      await settle()
      clock.advance(1000)
      return report
    },
    gauge: async () => /^audgate_ready (\d)$/m.exec(await status.metrics.expose())?.[1],
  }
}

const unsettled: Answers = { settled: () => new Promise(() => undefined), ready: readyWith(false, 'cold') }
const fine: Answers = { ready: readyWith(true) }

test('OP-10: not ready until every worker was ready once; then as long as one of them is', async () => {
  const keys = Promise.withResolvers<unknown>()
  const { ready, started } = await stage(fine, { settled: () => keys.promise, ready: readyWith(false, 'cold') })
  assert.deepEqual(await ready(), {
    ok: false,
    reasons: ['worker 2: issuer main: no keys yet'],
    issuers: [{ name: 'main', state: 'cold' }],
  })
  keys.resolve(undefined)
  await settle()
  assert.equal((await ready()).ok, true)
  started[0]?.end(1)
  await settle()
  assert.deepEqual(await ready(), {
    ok: false,
    reasons: ['worker 1: not there', 'worker 2: issuer main: no keys yet'],
    issuers: [{ name: 'main', state: 'cold' }],
  })
  const second = started[1] ?? assert.fail()
  second.answers = { ...serving, ready: readyWith(true, 'stale') }
  const { ok, issuers } = await ready()
  assert.deepEqual([ok, issuers], [true, [{ name: 'main', state: 'stale' }]])
})

test('OP-10: who waits for one worker does so for `readiness.max_wait` and no longer', async () => {
  const { ready, pass } = await stage(fine, unsettled)
  pass(59_999)
  assert.equal((await ready()).ok, false)
  pass(1)
  assert.equal((await ready()).ok, true)
})

test('after `max_wait` a group of which nobody is ready is not either', async () => {
  const { ready, pass } = await stage(unsettled)
  pass(100_000)
  assert.equal((await ready()).ok, false)
})

test('a worker that accepts no connections yet makes nobody ready', async () => {
  const { ready, pass, started } = await stage(fine, fine)
  const [first, second] = started
  first?.end(1)
  second?.end(1)
  await settle()
  pass(100_000)
  const report = await ready()
  assert.deepEqual([report.ok, report.reasons], [false, ['worker 1: not there', 'worker 2: not there']])
})

test('a drain makes it not ready, and the gauge says what the endpoint says', async () => {
  const { ready, gauge, drain } = await stage(fine)
  assert.equal(await gauge(), '1')
  drain()
  assert.deepEqual(await ready(), { ok: false, reasons: ['draining'], issuers: [{ name: 'main', state: 'fresh' }] })
  assert.equal(await gauge(), '0')
})

test('/issuers has of each issuer the report of the worker that is worst off', async () => {
  const report = (main: IssuerState, partner: IssuerState): Answers => ({
    issuers: () => [
      { name: 'main', state: main, keys: 2 },
      { name: 'partner', state: partner, keys: 3 },
    ],
  })
  const { status } = await stage(report('stale', 'fresh'), report('fresh', 'expired'), report('cold', 'cold'))
  assert.deepEqual(await status.issuers(), [
    { name: 'main', state: 'cold', keys: 2 },
    { name: 'partner', state: 'expired', keys: 3 },
  ])
})

test('/routes and /config are those of any worker that answers; without one they fail', async () => {
  const failing: Answers = {
    routes: () => {
      throw new Error('no')
    },
  }
  const { status, started } = await stage(failing, { routes: () => ['a route'], config: () => ({ hash: 'x' }) })
  assert.deepEqual(await status.routes(), ['a route'])
  for (const worker of started) worker.answers = { config: () => ({ hash: 'x', warnings: [] }) }
  assert.deepEqual(await status.config(), { hash: 'x', warnings: ['a warning'] })
  for (const worker of started) worker.end(1)
  await settle()
  await assert.rejects(async () => status.routes(), /no worker answers/)
})

test('/metrics has what a worker had counted when it was last asked, where it does not answer now', async () => {
  const text = (count: number) => `# HELP a_total x\n# TYPE a_total counter\na_total ${count}\n`
  const { status, started, clock } = await stage({ metrics: () => text(1) }, { metrics: () => text(2) })
  const total = (exposed: string) => /^a_total (\d+)$/m.exec(exposed)?.[1]
  assert.equal(total(await status.metrics.expose()), '3')
  const [first, second] = started
  if (!first || !second) return assert.fail()
  first.answers = { ...serving, metrics: () => text(5) }
  second.answers = { ...serving, metrics: () => new Promise(() => undefined) }
  const exposed = status.metrics.expose()
  await settle()
  clock.advance(1000)
  assert.equal(total(await exposed), '7')
  second.end(1)
  await settle()
  assert.equal(total(await status.metrics.expose()), '7', 'it has ended: what it had counted stays')
})

test('a worker that stands still holds no endpoint up: what it said last counts for five seconds', async () => {
  const { status, started, clock, pass } = await stage(
    { ...fine, routes: () => new Promise(() => undefined) },
    { ready: readyWith(true, 'stale'), routes: () => ['a route'] },
  )
  assert.equal((await status.ready()).ok, true)
  const second = started[1] ?? assert.fail()
  second.answers = { ...serving, routes: () => ['a route'], ready: () => new Promise(() => undefined) }
  assert.deepEqual(await status.routes(), ['a route'])
  const answer = async () => {
    const exposed = status.metrics.expose()
    const report = status.ready()
    await settle()
    clock.advance(300)
    await exposed
    return (await report).issuers
  }
  assert.deepEqual(await answer(), [{ name: 'main', state: 'stale' }])
  pass(5000)
  assert.deepEqual(await answer(), [{ name: 'main', state: 'fresh' }])
})
