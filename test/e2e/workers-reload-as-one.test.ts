import assert from 'node:assert/strict'
import { createHash } from 'node:crypto'
import { readFileSync, renameSync, writeFileSync } from 'node:fs'
import { Agent } from 'node:http'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/upstream.ts'
import { startWorkers, type Workers } from '../support/workers.ts'

/** In one step, as a config map is swapped. */
const write = (file: string, text: string): void => {
  writeFileSync(`${file}.new`, text)
  renameSync(`${file}.new`, file)
}

const hashOf = (text: string): string => createHash('sha256').update(text).digest('hex').slice(0, 12)

const hashesOf = async (audgate: Workers): Promise<readonly string[]> =>
  [...(await audgate.admin('/metrics')).text.matchAll(/^audgate_config_info\{hash="(\w+)"\}/gm)].map(
    ([, hash = '']) => hash,
  )

/** Keep-alive clients that ask without a pause; and what they were answered but 200. */
const load = (t: TestContext, audgate: Workers) => {
  const bad: (number | string)[] = []
  let good = 0
  let over = false
  const agents = Array.from({ length: 12 }, () => new Agent({ keepAlive: true, maxSockets: 1 }))
  t.after(() => {
    over = true
    for (const agent of agents) agent.destroy()
  })
  const clients = agents.map(async (agent) => {
    while (!over) {
      const answer = await audgate.ask('1', agent)
      if (answer === 200) good++
      else if (!over) bad.push(answer)
    }
  })
  const stop = async (): Promise<readonly (number | string)[]> => {
    over = true
    await Promise.all(clients)
    return bad
  }
  return { stop, good: () => good }
}

test('operations 4.5: a changed file reaches every worker under load, no request fails, and all run the same config', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const { stop, good } = load(t, audgate)
  const first = readFileSync(audgate.file, 'utf8')
  for (const round of [1, 2, 3]) {
    const next = `${first}\nrequest_id: { header: X-Round-${round} }\n`
    write(audgate.file, next)
    audgate.child.kill('SIGHUP')
    await eventually('it is the one that runs', async () => (await hashesOf(audgate)).join() === hashOf(next), 20_000)
    const before = good()
    await eventually('requests go on', () => good() > before + 20, 20_000)
    const names = await Promise.all(
      Array.from({ length: 20 }, async () =>
        (await fetch(`http://127.0.0.1:${audgate.port}/orders`)).headers.has(`x-round-${round}`),
      ),
    )
    assert.ok(names.every(Boolean), 'every worker answers by the new config')
  }
  assert.deepEqual(await stop(), [])
  assert.equal(await audgate.metric('audgate_config_last_reload_successful'), 1)
  assert.equal(audgate.pids().size, 2)
  assert.equal(audgate.lines().filter(({ msg }) => msg === 'worker started').length, 2, 'nobody was replaced')
})

test('a worker that comes later runs the config of the others, and keeps the address they have', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const next = readFileSync(audgate.file, 'utf8')
    .replace('127.0.0.1:0', '127.0.0.1:1')
    .replace('workers: 2', 'workers: 3')
    .replace('name: orders', 'name: other')
  write(audgate.file, next)
  audgate.child.kill('SIGHUP')
  await eventually('it is the one that runs', async () => (await hashesOf(audgate)).join() === hashOf(next), 20_000)
  const kept = () =>
    new Set(audgate.lines().flatMap(({ msg, key }) => (/takes a restart/.test(String(msg)) ? [String(key)] : [])))
  await eventually('what takes a restart is told', () => kept().size === 2)
  assert.deepEqual([...kept()].sort(), ['listen.address', 'workers'])
  assert.equal(audgate.pids().size, 2)
  const victims = [...audgate.pids().values()]
  for (const [index, victim] of victims.entries()) {
    process.kill(victim, 'SIGKILL')
    await eventually('another is there', () => audgate.pids().get(index + 1) !== victim, 20_000)
    await eventually('it is ready', async () => !/worker/.test((await audgate.admin('/readyz?verbose')).text), 20_000)
  }
  assert.deepEqual(await hashesOf(audgate), [hashOf(next)])
  assert.equal(await audgate.ask(), 200)
  await eventually(
    'it counts under the new name',
    async () => ((await audgate.metric('audgate_requests_total{resource="other"')) ?? 0) > 0,
  )
})

test('a broken file changes nothing: its problems are told once, the gauge says so, also when all workers are new', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const good = readFileSync(audgate.file, 'utf8')
  write(audgate.file, `${good}\nisuers: {}\n`)
  audgate.child.kill('SIGHUP')
  await eventually('it is told', () => /isuers/.test(audgate.stdout()), 20_000)
  assert.equal(await audgate.metric('audgate_config_last_reload_successful'), 0)
  assert.deepEqual(await hashesOf(audgate), [hashOf(good)])
  assert.equal(await audgate.ask(), 200)
  const [victim = 0, other = 0] = audgate.pids().values()
  for (const [worker, pid] of [
    [1, victim],
    [2, other],
  ] as const) {
    process.kill(pid, 'SIGKILL')
    await eventually('another is there', () => audgate.pids().get(worker) !== pid, 20_000)
    await eventually('it is ready', async () => !/worker/.test((await audgate.admin('/readyz?verbose')).text), 20_000)
  }
  assert.equal(await audgate.metric('audgate_config_last_reload_successful'), 0)
  assert.deepEqual(await hashesOf(audgate), [hashOf(good)], 'they run what was valid')
  write(audgate.file, good)
  audgate.child.kill('SIGHUP')
  await eventually(
    'it is mended',
    async () => (await audgate.metric('audgate_config_last_reload_successful')) === 1,
    20_000,
  )
})

test('AS-11: SIGHUP with nothing changed loads the keys again in every worker', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  audgate.child.kill('SIGHUP')
  const loaded = () =>
    audgate
      .lines()
      .flatMap(({ msg, worker }) => (msg === 'keys loaded again' ? [Number(worker)] : []))
      .sort()
  await eventually('both have', () => loaded().length === 2, 20_000)
  assert.deepEqual(loaded(), [1, 2])
})
