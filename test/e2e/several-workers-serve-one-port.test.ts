import assert from 'node:assert/strict'
import { spawnSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { availableParallelism } from 'node:os'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { requireProgram } from '../support/programs.ts'
import { type Seen, startUpstream } from '../support/upstream.ts'
import { startWorkers } from '../support/workers.ts'

/** Each process adds itself to `Via` under a name of its own. */
const servedBy = (seen: readonly Seen[]): ReadonlyMap<string, number> => {
  const counts = new Map<string, number>()
  for (const { rawHeaders } of seen) {
    const via = rawHeaders[rawHeaders.findIndex((name) => name.toLowerCase() === 'via') + 1] ?? ''
    counts.set(via, (counts.get(via) ?? 0) + 1)
  }
  return counts
}

test('Contract section 2, `workers`: each of them serves a part of the connections, and /metrics tells the sum', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url, { workers: 3 })
  assert.equal(audgate.pids().size, 3)
  const agents: Agent[] = []
  t.after(() => {
    for (const agent of agents) agent.destroy()
  })
  let sent = 0
  // Who takes a connection is whoever is there first; with many of them each is.
  await eventually(
    'each of them has served',
    async () => {
      agents.push(...Array.from({ length: 20 }, () => new Agent({ keepAlive: true, maxSockets: 1 })))
      const answers = await Promise.all(agents.map((agent) => audgate.ask('1', agent)))
      assert.deepEqual(new Set(answers), new Set([200]))
      sent += answers.length
      return servedBy(upstream.seen).size === 3
    },
    20_000,
  )
  // The record of a request is made after its last octet.
  await eventually('all are counted', async () => (await audgate.metric('audgate_requests_total')) === sent)
  assert.equal(
    await audgate.metric('audgate_requests_total{resource="orders",route="_default",method="GET",code="200"}'),
    sent,
  )
  assert.equal(await audgate.metric('audgate_decisions_total{'), sent)
  assert.equal(await audgate.metric('audgate_request_duration_seconds_count{'), sent)
  assert.equal(await audgate.metric('audgate_request_duration_seconds_bucket{le="+Inf"'), sent)
  assert.equal(await audgate.metric('audgate_overhead_seconds_count{phase="total"}'), sent)
  assert.equal(await audgate.metric('audgate_open_requests'), 0)
  assert.equal(await audgate.metric('audgate_jwks_keys{issuer="main"}'), 1)
  assert.equal(await audgate.metric('audgate_config_info{'), 1, 'one config hash')
  await eventually('all are logged', () => audgate.lines().filter(({ msg }) => msg === 'request').length === sent)

  const promtool = requireProgram(t, 'promtool')
  if (promtool === undefined) return
  const input = (await audgate.admin('/metrics')).text
  const { stdout, stderr } = spawnSync(promtool, ['check', 'metrics'], { input, encoding: 'utf8' })
  assert.doesNotMatch(stdout + stderr, /^(?:audgate_|error)/m)
})

test('Contract section 6: the one admin listener shows of several workers what it shows of one', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  assert.deepEqual(await audgate.admin('/livez'), { status: 200, text: 'ok\n' })
  assert.deepEqual(await audgate.admin('/startupz'), { status: 200, text: 'ok\n' })
  assert.deepEqual(await audgate.admin('/readyz?verbose'), { status: 200, text: 'ready\nissuer main: keys fresh\n' })
  assert.equal(await audgate.metric('audgate_ready'), 1)
  const { resources } = JSON.parse((await audgate.admin('/routes')).text)
  assert.deepEqual(
    resources.map(({ name }: { readonly name: string }) => name),
    ['orders'],
  )
  const issuers = JSON.parse((await audgate.admin('/issuers')).text)
  assert.deepEqual([issuers.length, issuers[0].name, issuers[0].state, issuers[0].keys], [1, 'main', 'fresh', 1])
  const { text } = await audgate.admin('/config')
  const config = JSON.parse(text)
  assert.equal(config.workers, 2)
  assert.equal(config.dpop.nonceSecret, '[redacted]')
  assert.match(JSON.stringify(config.warnings), /DPoP proof counts once in each of them/)
})

test('DP-15: what a memory of each worker means is said at the start, once', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const said = audgate.lines().filter(({ msg }) => /memory of its own/.test(String(msg)))
  assert.deepEqual(
    said.map(({ level, line }) => [level, line]),
    [['warn', 1]],
  )
})

test('`workers: auto` is one for each processor that the process may use', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url, { workers: 'auto' })
  assert.equal(audgate.pids().size, availableParallelism())
})

test('/drain: from then on every worker ends its connections, also one that comes in the place of another', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const closes = async (): Promise<boolean> =>
    (await fetch(`http://127.0.0.1:${audgate.port}/orders`)).headers.get('connection') === 'close'
  assert.equal(await closes(), false)
  await audgate.admin('/drain')
  await eventually('all have heard', async () => (await Promise.all(Array.from({ length: 20 }, closes))).every(Boolean))
  assert.equal((await audgate.admin('/readyz')).status, 200, 'readiness stays')
  assert.equal(await audgate.metric('audgate_draining'), 1)
  const [, first = 0] = audgate.pids().entries().next().value ?? []
  process.kill(first, 'SIGKILL')
  await eventually(
    'it is replaced',
    async () =>
      (await audgate.admin('/readyz?verbose')).text === 'ready\nissuer main: keys fresh\n' &&
      audgate.pids().get(1) !== first,
    20_000,
  )
  assert.ok((await Promise.all(Array.from({ length: 30 }, closes))).every(Boolean))
})

test('OP-5: a heap that is a part of the memory of the container is that for all workers and their supervisor together', async (t) => {
  if (process.platform !== 'linux') return t.skip('the arguments of a process are read from /proc')
  const upstream = await startUpstream(t)
  const env = { NODE_OPTIONS: '--max-old-space-size-percentage=60' }
  const audgate = await startWorkers(t, upstream.url, { workers: 3, env })
  for (const pid of audgate.pids().values()) {
    const flags = readFileSync(`/proc/${pid}/cmdline`, 'utf8').split('\0')
    assert.ok(flags.includes('--max-old-space-size-percentage=15'), flags.join(' '))
  }
})
