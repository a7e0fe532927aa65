import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startUpstream } from '../support/upstream.ts'
import { startWorkers } from '../support/workers.ts'

test('more than a pipe holds comes from all workers in whole lines, also when the reader is slow', async (t) => {
  const upstream = await startUpstream(t)
  const audgate = await startWorkers(t, upstream.url, { workers: 3 })
  const long = 'x'.repeat(6000)
  // Nobody reads until there is much more than the pipe holds.
  audgate.child.stdout.pause()
  for (let round = 0; round < 10; round++) {
    const answers = await Promise.all(Array.from({ length: 30 }, () => audgate.ask(long)))
    assert.deepEqual(new Set(answers), new Set([200]))
  }
  audgate.child.stdout.resume()
  await once(audgate.child.stdout, 'data')
  // A line that is no JSON fails here.
  const requests = () => audgate.lines().filter(({ msg }) => msg === 'request')
  await eventually('all are told', () => requests().length === 300, 20_000)
  assert.ok(audgate.stdout().length > 300_000)
  audgate.child.kill('SIGTERM')
  assert.equal(await audgate.ended, 0)
  assert.equal(requests().length, 300)
})
