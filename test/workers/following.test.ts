import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createFollowing } from '../../src/workers/following.ts'
import { WorkerError } from '../../src/workers/worker-error.ts'
import { serving, settle, stageGroup } from './group-setup.ts'

const stage = async (count: number) => {
  const { group, started, clock } = stageGroup(count, () => serving)
  await group.listen()
  const told: string[] = []
  const metrics = { reloaded: () => void told.push('reloaded'), reloadFailed: () => void told.push('failed') }
  const workers = started.slice(0, count)
  return { following: createFollowing({ group, metrics, clock }), workers, clock, told }
}
const reloads = (heard: readonly { readonly name: string }[]): number =>
  heard.filter(({ name }) => name === 'reload').length

test('OP-9: a worker that stands still keeps no reload from the others for longer than five seconds', async () => {
  const { following, workers, clock, told } = await stage(2)
  const [stuck, healthy] = workers
  if (!stuck || !healthy) return assert.fail()
  const over = Promise.withResolvers<unknown>()
  stuck.answers = { ...serving, reload: () => over.promise, refresh: () => over.promise }
  let applied = 0
  for (const call of [following.apply(new Map()), following.refresh()]) void call.then(() => applied++)
  await settle()
  clock.advance(4999)
  await settle()
  assert.equal(applied, 0)
  clock.advance(1)
  await settle()
  assert.equal(applied, 2)
  const second = following.apply(new Map())
  await settle()
  assert.deepEqual([reloads(stuck.heard), reloads(healthy.heard)], [2, 2])
  assert.deepEqual(told, [], 'one has not followed')
  over.resolve(undefined)
  await second
  assert.deepEqual(told, ['reloaded'], 'once, for the newest')
})

test('a reload that a worker could not do is none that succeeded', async () => {
  const { following, workers, told } = await stage(2)
  const first = workers[0] ?? assert.fail()
  first.answers = {
    ...serving,
    reload: () => {
      throw new WorkerError('fault', 'no')
    },
  }
  await following.apply(new Map())
  assert.deepEqual(told, ['failed'])
})

test('an older reload that ends late does not hide that a newer one failed', async () => {
  const { following, workers, told } = await stage(1)
  const only = workers[0] ?? assert.fail()
  const over = Promise.withResolvers<unknown>()
  only.answers = { ...serving, reload: () => over.promise, reloadFailed: () => undefined }
  const applied = following.apply(new Map())
  following.failed()
  over.resolve(undefined)
  await applied
  assert.deepEqual(told, ['failed'])
})
