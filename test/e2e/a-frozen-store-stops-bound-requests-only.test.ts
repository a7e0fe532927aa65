import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
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

/** Two processes with a store that is there, and was asked something; undefined where there is no redis-server. */
const start = async (t: TestContext) => {
  const redis = await startRedis(t)
  if (redis === undefined) return undefined
  const stage = await startReplicas(t, 2, redis.url)
  await connected(stage)
  const [first, second] = stage.replicas
  if (!first || !second) assert.fail('two were started')
  return { redis, stage, first, second }
}

const operations = 'audgate_store_operations_total'
const degraded = 'audgate_store_degraded_total'

/** Sends bound requests, eight at a time, and says how long each took. */
const presentMany = async (
  stage: ReplicaStage,
  replica: Replica,
  count: number,
  outcome: string,
): Promise<number[]> => {
  const taken: number[] = []
  for (let sent = 0; sent < count; sent += 8) {
    const batch = Array.from({ length: 8 }, async () => {
      const began = performance.now()
      assert.equal(await stage.present(replica), outcome)
      taken.push(performance.now() - began)
    })
    await Promise.all(batch)
  }
  return taken.sort((a, b) => a - b)
}

const at = (taken: readonly number[], share: number): string =>
  (taken[Math.floor(taken.length * share)] ?? 0).toFixed(1)

test('DP-15: while the store is frozen bound requests are 503 with Retry-After, none hangs, and each is counted', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage, first } = started
  const before = { closed: await first.counted(degraded, 'replay'), ok: await first.counted(operations, 'result="ok"') }
  const upstream = stage.upstream.seen.length
  redis.stop()
  const refused = await first.ask({ authorization: `DPoP ${stage.bound}`, dpop: stage.prove() })
  assert.deepEqual([refused.status, refused.reason, refused.headers['retry-after']], [503, 'store_unavailable', '1'])
  assert.equal(refused.headers['www-authenticate'], undefined, 'it is not the fault of the client')
  const taken = await presentMany(stage, first, 400, '503 store_unavailable')
  t.diagnostic(`503 after ${at(taken, 0.5)} ms, at most ${at(taken, 0.999)} ms`)
  assert.equal(stage.upstream.seen.length, upstream, 'nothing passed')
  assert.equal(await first.counted(degraded, 'op="replay"', 'policy="closed"'), before.closed + 401)
  assert.equal(await first.counted(operations, 'result="ok"'), before.ok)
  // Few wait for it, in the deadline of 50 ms or until the connection ends; all others are told at once.
  const waited = await first.counted(operations, 'put_if_absent', 'result="timeout"')
  const cut = await first.counted(operations, 'put_if_absent', 'result="error"')
  assert.ok(waited >= 1 && waited + cut <= 5 + 8, `${waited} and ${cut} waited`)
  // The log tells of the store once, and of each request what came of it.
  await storeStory(first, 'connected lost')
})

test('operations 5.2: while the store is frozen other tokens pass, and cost it no question', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage, first } = started
  const bearer = async (): Promise<number> => {
    const heard = await first.ask({ authorization: `Bearer ${liveToken()}` })
    assert.equal(outcomeOf(heard), 'passed')
    return heard.ms
  }
  const measure = async (): Promise<number[]> => {
    const taken: number[] = []
    for (let count = 0; count < 300; count++) taken.push(await bearer())
    return taken.sort((a, b) => a - b)
  }
  await measure()
  const asked = await first.counted(operations)
  const quiet = await measure()
  redis.stop()
  const frozen = await measure()
  t.diagnostic(
    `median ${at(quiet, 0.5)} and ${at(frozen, 0.5)} ms, p99 ${at(quiet, 0.99)} and ${at(frozen, 0.99)} ms without and with a frozen store`,
  )
  assert.equal(await first.counted(operations), asked)
  // Also beside bound ones, which wait for it.
  const beside = Promise.all(Array.from({ length: 5 }, () => stage.present(first)))
  await Promise.all(Array.from({ length: 20 }, bearer))
  assert.deepEqual(await beside, Array(5).fill('503 store_unavailable'))
})

test('operations 5.1: while the store is frozen each process asks the issuer itself, and nobody gets in unasked', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage, first, second } = started
  assert.equal(await stage.presentOpaque(first, 'known'), 'passed')
  redis.stop()
  assert.equal(await stage.presentOpaque(first, 'known'), 'passed')
  for (const replica of [first, second]) assert.equal(await stage.presentOpaque(replica, 'new'), 'passed')
  stage.issuer.say({ active: false })
  for (const replica of [first, second]) assert.equal(await stage.presentOpaque(replica, 'bad'), '401 token_inactive')
  assert.deepEqual(stage.issuer.tokens(), ['known', 'new', 'new', 'bad', 'bad'])
  for (const replica of [first, second]) {
    assert.ok((await replica.counted(degraded, 'op="introspection"', 'policy="miss"')) >= 2)
  }
})

test('OP-10: while the store is frozen every process stays ready and alive', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage, first, second } = started
  redis.stop()
  await Promise.all([first, second].map((replica) => presentMany(stage, replica, 8, '503 store_unavailable')))
  await eventually('both gave it up', () => [first, second].every((one) => one.told('store lost').length > 0))
  for (const replica of [first, second]) {
    for (const path of ['/livez', '/readyz', '/startupz']) assert.equal((await replica.admin(path)).status, 200, path)
    assert.match((await replica.admin('/metrics')).text, /^audgate_ready 1$/m)
  }
})

test('a store that thaws is used again by every process, without a restart, and still knows what was used before', async (t) => {
  const started = await start(t)
  if (started === undefined) return
  const { redis, stage, first, second } = started
  const used = await unlessLate(stage, async () => {
    const proof = stage.prove()
    assert.equal(await stage.present(first, proof), 'passed')
    return proof
  })
  redis.stop()
  for (const replica of [first, second]) assert.equal(await stage.present(replica, used), '503 store_unavailable')
  await eventually('both gave it up', () => [first, second].every((one) => one.told('store lost').length > 0))
  redis.cont()
  const began = performance.now()
  await connected(stage)
  t.diagnostic(`used again after ${(performance.now() - began).toFixed(0)} ms`)
  await unlessLate(stage, async () => {
    assert.deepEqual(await presentAtAll(stage, used), Array(2).fill('401 proof_replayed'))
    assert.deepEqual(await presentAtAll(stage, stage.prove()), ['401 proof_replayed', 'passed'])
  })
  for (const replica of [first, second]) {
    await storeStory(replica, 'lost connected')
  }
})
