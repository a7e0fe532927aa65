import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startRedis } from '../support/redis.ts'
import { entriesOf } from '../support/redis-entries.ts'
import { connected, presentAtAll, startReplicas, unlessLate } from '../support/replica-gateways.ts'

test('DP-15: of 200 proofs, each sent to two processes at once, each passes at one of them and is a replay at the other', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const stage = await startReplicas(t, 2, redis.url)
  await connected(stage)
  const wins = stage.replicas.map(() => 0)
  for (let batch = 0; batch < 20; batch++) {
    await unlessLate(stage, async () => {
      const before = stage.upstream.seen.length
      const pairs = Array.from({ length: 10 }, async () => {
        const proof = stage.prove()
        return Promise.all(stage.replicas.map((replica) => stage.present(replica, proof)))
      })
      for (const outcomes of await Promise.all(pairs)) {
        const winner = outcomes.indexOf('passed')
        wins[winner] = (wins[winner] ?? 0) + 1
        assert.deepEqual(outcomes.toSorted(), ['401 proof_replayed', 'passed'])
      }
      assert.equal(stage.upstream.seen.length, before + 10)
    })
  }
  t.diagnostic(`first at each: ${wins.join(' and ')}`)
})

test('DP-15: what one of three used is known to the others, to one that starts later, and to one that was killed', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const stage = await startReplicas(t, 3, redis.url)
  await connected(stage)
  const [first, second, third] = stage.replicas
  if (!first || !second || !third) assert.fail('three were started')
  const proof = await unlessLate(stage, async () => {
    const used = stage.prove()
    assert.equal(await stage.present(second, used), 'passed')
    assert.equal(await stage.present(third, used), '401 proof_replayed')
    return used
  })
  second.process.child.kill('SIGKILL')
  await second.process.ended
  const late = await stage.start()
  const left = { ...stage, replicas: [first, third, late] }
  await connected(left)
  await unlessLate(left, async () => {
    assert.deepEqual(await presentAtAll(left, proof), Array(3).fill('401 proof_replayed'))
  })
})

test('operations 5.1: a used proof is a hash in Redis that lives as long as the proof could count anywhere, and nothing else', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const stage = await startReplicas(t, 1, redis.url)
  await connected(stage)
  const entries = await unlessLate(stage, async () => {
    await redis.tell('FLUSHALL')
    assert.deepEqual(await presentAtAll(stage, stage.prove({ jti: 'a-jti-of-alice' })), ['passed'])
    return entriesOf(redis)
  })
  assert.equal(entries.length, 1, 'one request, one entry')
  for (const { key, value, ttlMs } of entries) {
    assert.match(key, /^ag:jti:[A-Za-z0-9_-]{43}$/)
    assert.equal(value, '1')
    // `dpop.proof_age` is 60 s, a tenth of that for clocks that are ahead; `iat` is a whole second.
    assert.ok(ttlMs > 0 && ttlMs <= 66_000, `${ttlMs} ms`)
    assert.ok(ttlMs > 30_000, `${ttlMs} ms`)
  }
})
