import assert from 'node:assert/strict'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { liveToken } from '../support/orders.ts'
import { startRedis } from '../support/redis.ts'
import {
  connected,
  outcomeOf,
  presentAtAll,
  startReplicas,
  storeStory,
  unlessLate,
} from '../support/replica-gateways.ts'

test('contract section 2, OP-10: while the store is down processes start, are ready and serve what needs none; then they find it', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  await redis.kill()
  const stage = await startReplicas(t, 2, redis.url)
  for (const replica of stage.replicas) {
    await eventually('it is ready', async () => (await replica.admin('/readyz')).status === 200)
    assert.equal(outcomeOf(await replica.ask({ authorization: `Bearer ${liveToken()}` })), 'passed')
    assert.equal(await stage.presentOpaque(replica, 'opaque'), 'passed')
    assert.equal(await stage.present(replica), '503 store_unavailable')
    await eventually('it is told', () => replica.told('store lost').length > 0)
    // A process that is busy with its own start may not come to hear the refusal.
    const [lost] = replica.told('store lost')
    assert.match(String(lost?.detail), /^127\.0\.0\.1:\d+: (?:ECONNREFUSED|no connection in time)$/)
  }
  await redis.restart()
  await connected(stage)
  await unlessLate(stage, async () => {
    assert.deepEqual(await presentAtAll(stage, stage.prove()), ['401 proof_replayed', 'passed'])
  })
  for (const replica of stage.replicas) {
    await storeStory(replica, 'lost connected')
  }
})

test('a frozen store holds up neither the start of a process nor its end', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  redis.stop()
  const stage = await startReplicas(t, 1, redis.url)
  for (const replica of stage.replicas) {
    await eventually('it is ready', async () => (await replica.admin('/readyz')).status === 200)
    assert.equal(await stage.present(replica), '503 store_unavailable')
    replica.process.child.kill('SIGINT')
    assert.equal(await replica.process.ended, 0)
  }
})
