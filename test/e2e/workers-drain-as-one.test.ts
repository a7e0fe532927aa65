import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/upstream.ts'
import { allGone, startWorkers, type Workers, type WorkersOptions } from '../support/workers.ts'

/** Two workers, each with at least one request in flight that its upstream has not answered. */
const start = async (t: TestContext, options: WorkersOptions = {}) => {
  const held: ServerResponse[] = []
  const servers = new Set<unknown>()
  const upstream = await startUpstream(t, (request, response) => {
    servers.add(request.headers.via)
    request.resume()
    held.push(response)
  })
  const audgate = await startWorkers(t, upstream.url, options)
  const answers: Promise<number | string>[] = []
  await eventually(
    'both have one',
    () => {
      if (servers.size === 2) return true
      if (answers.length < 200) answers.push(audgate.ask())
      return false
    },
    20_000,
  )
  await eventually('all have come', () => held.length === answers.length)
  return { audgate, answers, held }
}

/** By a request that nobody holds. */
const refused = (audgate: Workers) => () =>
  fetch(`http://127.0.0.1:${audgate.port}/`).then(
    () => false,
    () => true,
  )

test('OP-3: SIGTERM: every worker stops accepting, finishes what is in flight, and the status is 0', async (t) => {
  const { audgate, answers, held } = await start(t)
  audgate.child.kill('SIGTERM')
  await eventually('nobody new gets in', refused(audgate))
  for (const response of held) response.end('ok')
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]))
  assert.equal(await audgate.ended, 0)
  assert.deepEqual(audgate.lines().filter(({ msg }) => msg === 'closed').length, 2)
  assert.deepEqual([audgate.lines().at(-1)?.msg, audgate.lines().at(-1)?.cut], ['all workers closed', 0])
  assert.equal(audgate.lines().filter(({ msg, status }) => msg === 'request' && status === 200).length, answers.length)
  await allGone(audgate.pids().values())
})

test('what is not over within `drain` in any worker is cut, and the status is 1', async (t) => {
  const { audgate, answers } = await start(t, { listen: { timeouts: { drain: '200ms' } } })
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 1)
  assert.deepEqual(new Set(await Promise.all(answers)), new Set(['ECONNRESET']))
  assert.deepEqual([audgate.lines().at(-1)?.msg, audgate.lines().at(-1)?.cut], ['all workers closed', answers.length])
})

test('a worker that dies while it drains had something in flight: the status is 1', async (t) => {
  const { audgate } = await start(t)
  audgate.child.kill('SIGTERM')
  await eventually('both drain', () => audgate.lines().filter(({ msg }) => msg === 'draining').length === 2)
  for (const pid of audgate.pids().values()) process.kill(pid, 'SIGKILL')
  assert.equal(await audgate.ended, 1)
  assert.equal(audgate.pids().size, 2, 'nobody is replaced any more')
})

test('OP-1: with a delay all workers go on accepting, each answer the last of its connection, and readiness is off', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url, { listen: { timeouts: { drain_delay: '10m' } } })
  audgate.child.kill('SIGTERM')
  await eventually('readiness is off', async () => (await audgate.admin('/readyz')).status === 503)
  assert.match((await audgate.admin('/readyz')).text, /^not ready\ndraining/)
  assert.equal(await audgate.metric('audgate_ready'), 0)
  assert.equal(await audgate.metric('audgate_draining'), 1)
  const connection = async () =>
    (await fetch(`http://127.0.0.1:${audgate.port}/orders`)).headers.get('connection') === 'close'
  assert.ok((await Promise.all(Array.from({ length: 20 }, connection))).every(Boolean))
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 143)
  await allGone(audgate.pids().values())
})

test('SIGINT knows no delay; a second one ends all of them at once with 130', async (t) => {
  const { audgate, answers } = await start(t, { listen: { timeouts: { drain_delay: '10m', drain: '10m' } } })
  audgate.child.kill('SIGINT')
  await eventually('nobody new gets in', refused(audgate))
  audgate.child.kill('SIGINT')
  assert.equal(await audgate.ended, 130)
  assert.ok(
    (await Promise.all(answers)).every((answer) => typeof answer === 'string'),
    'cut',
  )
  await allGone(audgate.pids().values())
})

test('a signal to the whole process group, as a terminal or systemd sends it, is the one to the supervisor', async (t) => {
  const { audgate, answers, held } = await start(t)
  for (const pid of audgate.pids().values()) process.kill(pid, 'SIGHUP')
  for (const pid of audgate.pids().values()) process.kill(pid, 'SIGTERM')
  audgate.child.kill('SIGTERM')
  await eventually('nobody new gets in', refused(audgate))
  for (const response of held) response.end('ok')
  assert.deepEqual(new Set(await Promise.all(answers)), new Set([200]))
  assert.equal(await audgate.ended, 0)
})

test('a supervisor that is killed leaves no worker behind, busy or not', async (t) => {
  const { audgate, answers } = await start(t)
  const pids = [...audgate.pids().values()]
  audgate.child.kill('SIGKILL')
  assert.equal(await audgate.ended, 'SIGKILL')
  await allGone(pids)
  assert.ok((await Promise.all(answers)).every((answer) => typeof answer === 'string'))
})

test('a second signal ends also a worker whose loop stands still', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url)
  const [still = 0] = audgate.pids().values()
  process.kill(still, 'SIGSTOP')
  audgate.child.kill('SIGTERM')
  await eventually('readiness is off', async () => (await audgate.admin('/readyz')).status === 503)
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 143)
  await allGone(audgate.pids().values())
})
