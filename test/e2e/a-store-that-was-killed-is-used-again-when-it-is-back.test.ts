import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { liveToken } from '../support/orders.ts'
import { startRedis } from '../support/redis.ts'
import {
  connected,
  outcomeOf,
  presentAtAll,
  type Replica,
  type ReplicaStage,
  startReplicas,
  storeStory,
  unlessLate,
} from '../support/replica-gateways.ts'

/** A proof that was used there. */
const useOne = (stage: ReplicaStage, replica: Replica): Promise<string> =>
  unlessLate(stage, async () => {
    const proof = stage.prove()
    assert.equal(await stage.present(replica, proof), 'passed')
    return proof
  })

/** @param args of redis-server */
const start = async (t: TestContext, ...args: readonly string[]) => {
  const redis = await startRedis(t, ...args)
  if (redis === undefined) return undefined
  const stage = await startReplicas(t, 2, redis.url)
  await connected(stage)
  return { redis, stage }
}

test('DP-15, OP-10: while the store is dead bound requests are 503, all others pass, and every process stays ready', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage } = started
  const used = stage.prove()
  await redis.kill()
  await Promise.all(
    stage.replicas.map(async (replica) => {
      const passed = await replica.counted('audgate_store_operations_total', 'put_if_absent', 'result="ok"')
      for (const proof of [used, used, stage.prove()]) {
        assert.equal(await stage.present(replica, proof), '503 store_unavailable')
      }
      for (let count = 0; count < 50; count++) await stage.present(replica)
      assert.equal(await replica.counted('audgate_store_operations_total', 'put_if_absent', 'result="ok"'), passed)
      assert.equal(outcomeOf(await replica.ask({ authorization: `Bearer ${liveToken()}` })), 'passed')
      assert.equal(await stage.presentOpaque(replica, 'opaque'), 'passed')
      for (const path of ['/livez', '/readyz']) assert.equal((await replica.admin(path)).status, 200, path)
      await storeStory(replica, 'connected lost')
    }),
  )
  assert.deepEqual(stage.issuer.tokens(), ['opaque', 'opaque'])
})

test('a store that starts again is used again by every process; one without its data lets a used proof pass once more at most', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage } = started
  const [first, second] = stage.replicas
  if (!first || !second) assert.fail('two were started')
  const used = await useOne(stage, first)
  await redis.kill()
  assert.equal(await stage.present(second, used), '503 store_unavailable')
  await redis.restart()
  const began = performance.now()
  await connected(stage)
  t.diagnostic(`used again after ${(performance.now() - began).toFixed(0)} ms`)
  // For all replicas together. Who cannot bear that has a Redis that writes down what it is told, as below.
  const outcomes = await presentAtAll(stage, used)
  assert.ok(outcomes.filter((outcome) => outcome === 'passed').length <= 1, outcomes.join())
  // Where the store was late for one of them, the proof is noted all the same.
  await unlessLate(stage, async () => {
    assert.deepEqual(await presentAtAll(stage, used), Array(2).fill('401 proof_replayed'))
  })
  for (const replica of [first, second]) {
    await storeStory(replica, 'lost connected')
  }
})

test('DP-15: a store that writes down what it is told still knows used proofs after it was killed', async (t) => {
  const started = await start(t, '--appendonly', 'yes', '--appendfsync', 'always')
  if (started === undefined) return
  const { redis, stage } = started
  const [first, second] = stage.replicas
  if (!first || !second) assert.fail('two were started')
  const used = await useOne(stage, first)
  await redis.kill()
  await redis.restart()
  await connected(stage)
  await unlessLate(stage, async () => {
    assert.deepEqual(await presentAtAll(stage, used), Array(2).fill('401 proof_replayed'))
  })
})
