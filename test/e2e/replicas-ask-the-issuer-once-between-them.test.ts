import assert from 'node:assert/strict'
import { randomUUID } from 'node:crypto'
import { test } from 'node:test'
import { ORDERS } from '../support/orders.ts'
import { startRedis } from '../support/redis.ts'
import { entriesOf } from '../support/redis-entries.ts'
import { connected, startReplicas, unlessLate } from '../support/replica-gateways.ts'

const TOKEN = 'opaque-token-of-alice'
const now = (): number => Math.floor(Date.now() / 1000)

test('IN-6: three processes ask the issuer about a token once, whether it is active or not', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const stage = await startReplicas(t, 3, redis.url)
  await connected(stage)
  const { issuer, replicas } = stage
  const cached = () =>
    Promise.all(replicas.map((replica) => replica.counted('audgate_introspections_total', 'result="cached"')))
  for (const [answer, outcome] of [
    [{ active: true, aud: ORDERS, exp: now() + 600 }, 'passed'],
    [{ active: false }, '401 token_inactive'],
  ] as const) {
    issuer.say(answer)
    await unlessLate(stage, async () => {
      const token = `${TOKEN}-${randomUUID()}`
      const [first = 0, second = 0, third = 0] = await cached()
      for (const replica of replicas) assert.equal(await stage.presentOpaque(replica, token), outcome)
      assert.equal(issuer.tokens().filter((each) => each === token).length, 1)
      assert.deepEqual(await cached(), [first, second + 1, third + 1])
    })
  }
})

test('operations 5.1: an answer lives in Redis until `cache` or `exp`, an inactive one for five seconds, under a hash', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const stage = await startReplicas(t, 1, redis.url, { introspection: { cache: '10m' } })
  await connected(stage)
  const [replica] = stage.replicas
  if (!replica) assert.fail('one was started')
  for (const [answer, outcome, longestMs, value] of [
    [
      { active: true, exp: now() + 3600 },
      'passed',
      600_000,
      /^[A-Za-z0-9_-]{43}\.\{"askedAt":[\d.]+,"claims":\{.*"active":true,"exp":\d+\}\}$/,
    ],
    [{ active: true, exp: now() + 60 }, 'passed', 60_000, /"active":true/],
    [
      { active: false },
      '401 token_inactive',
      5_000,
      /^[A-Za-z0-9_-]{43}\.\{"askedAt":[\d.]+,"claims":\{"active":false\}\}$/,
    ],
  ] as const) {
    stage.issuer.say({ aud: ORDERS, sub: 'alice', ...answer })
    const entries = await unlessLate(stage, async () => {
      await redis.tell('FLUSHALL')
      assert.equal(await stage.presentOpaque(replica, `${TOKEN}-${randomUUID()}`), outcome)
      const found = await entriesOf(redis)
      assert.equal(found.length, 1)
      return found
    })
    for (const entry of entries) {
      assert.match(entry.key, /^ag:intro:[A-Za-z0-9_-]{43}$/)
      assert.match(entry.value, value)
      assert.ok(entry.ttlMs > 0 && entry.ttlMs <= longestMs, `${entry.ttlMs} ms`)
      // Nobody who reads Redis can present a token, and an answer that lets nobody in says nothing of it at all.
      assert.ok(!`${entry.key} ${entry.value}`.includes(TOKEN))
    }
  }
})
