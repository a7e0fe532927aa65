import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { createProver } from '../support/dpop.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startIntrospectionServer } from '../support/introspection-server.ts'
import { liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startRedis } from '../support/redis.ts'
import { startUpstream } from '../support/upstream.ts'

const alice = await createProver()
/** Under which clients know every replica: they are behind one name. */
const uri = `${ORDERS}/1`
const bound = liveToken({ cnf: { jkt: alice.jkt } })

const ask = async ({ port }: TestGateway, ...lines: readonly string[]): Promise<string> => {
  const request = requestBytes(['GET /orders/1 HTTP/1.1', 'Host: api.test', ...lines])
  const { status, text } = await sendRaw(port, request, { until: wholeAnswer })
  return status === 200 ? 'passed' : `${status} ${/"reason":"(\w+)"/.exec(text)?.[1] ?? ''}`
}
const prove = (gateway: TestGateway, proof = alice.prove({ token: bound, uri })): Promise<string> =>
  ask(gateway, `Authorization: DPoP ${bound}`, `DPoP: ${proof}`)
const opaque = (gateway: TestGateway, token: string): Promise<string> => ask(gateway, `Authorization: Bearer ${token}`)

/** Two replicas with one config and one store, both connected; undefined where there is no redis-server. */
const startReplicas = async (t: TestContext) => {
  const redis = await startRedis(t)
  if (redis === undefined) return undefined
  const server = await startIntrospectionServer(t)
  server.say({ active: true, aud: ORDERS, exp: Math.floor(Date.now() / 1000) + 600 })
  const upstream = await startUpstream(t)
  const introspection = {
    endpoint: server.url,
    client_id: 'gateway',
    client_secret_file: temporaryFile(t, 'secret', 'wh1sper'),
  }
  const main = { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } }, introspection }
  const yaml = [
    `store: ${redis.url}`,
    `issuers: ${JSON.stringify({ main })}`,
    `upstreams: ${JSON.stringify({ [upstream.url]: { resource: ORDERS, name: 'orders' } })}`,
  ].join('\n')
  const first = await startGateway(t, yaml)
  const second = await startGateway(t, yaml)
  for (const replica of [first, second]) {
    await eventually('the store is connected', async () => (await prove(replica)) === 'passed')
  }
  return { redis, server, upstream, first, second }
}

const counter = async ({ metrics }: TestGateway, series: string): Promise<number> =>
  Number(
    (await metrics())
      .split('\n')
      .find((line) => line.startsWith(`${series} `))
      ?.split(' ')[1] ?? 0,
  )

const closed = 'audgate_store_degraded_total{op="replay",policy="closed"}'
const missed = 'audgate_store_degraded_total{op="introspection",policy="miss"}'

test('DP-15: a proof that was used at one replica is a replay at the other', async (t) => {
  const stage = await startReplicas(t)
  if (stage === undefined) return
  const proof = alice.prove({ token: bound, uri })
  assert.equal(await prove(stage.first, proof), 'passed')
  assert.equal(await prove(stage.second, proof), '401 proof_replayed')
  assert.equal(await prove(stage.first, proof), '401 proof_replayed')
  // Of both at once, one passes.
  const raced = alice.prove({ token: bound, uri })
  const outcomes = await Promise.all([prove(stage.first, raced), prove(stage.second, raced)])
  assert.deepEqual(outcomes.sort(), ['401 proof_replayed', 'passed'])
})

test('IN-6: what one replica asked about, the other does not ask again; no token is in the store', async (t) => {
  const stage = await startReplicas(t)
  if (stage === undefined) return
  assert.equal(await opaque(stage.first, 'opaque-token-of-alice'), 'passed')
  assert.equal(await opaque(stage.second, 'opaque-token-of-alice'), 'passed')
  assert.deepEqual(stage.server.tokens(), ['opaque-token-of-alice'])
  const keys = await stage.redis.tell('KEYS *')
  assert.match(keys, /ag:jti:/)
  assert.match(keys, /ag:intro:/)
  assert.doesNotMatch(keys, /opaque|alice/)
})

test('a frozen store: bound requests are 503 store_unavailable and counted, introspection asks the issuer, others go on', async (t) => {
  const stage = await startReplicas(t)
  if (stage === undefined) return
  const { redis, server, upstream, first } = stage
  redis.stop()
  const before = upstream.seen.length
  // The attempts before the store was connected count too.
  const refused = await counter(first, closed)
  assert.equal(await prove(first), '503 store_unavailable')
  const proof = alice.prove({ token: bound, uri })
  assert.equal(await prove(first, proof), '503 store_unavailable')
  assert.equal(upstream.seen.length, before)
  assert.equal(await counter(first, closed), refused + 2)
  assert.equal(await opaque(first, 'opaque-1'), 'passed')
  assert.deepEqual(server.tokens(), ['opaque-1'])
  assert.ok((await counter(first, missed)) >= 1)
  assert.equal(await ask(first, `Authorization: Bearer ${liveToken()}`), 'passed')
  // Thawed, it serves again by itself.
  redis.cont()
  await eventually('proofs pass again', async () => (await prove(first)) === 'passed')
})

test('a killed store fails closed at once, and a restarted one is used again', async (t) => {
  const stage = await startReplicas(t)
  if (stage === undefined) return
  const { redis, first } = stage
  await redis.kill()
  assert.equal(await prove(first), '503 store_unavailable')
  assert.equal(await opaque(first, 'opaque-2'), 'passed')
  const logged = (await first.log()).map(({ msg, reason, detail }) => [msg, reason, detail].join(' '))
  assert.ok(logged.some((line) => line.startsWith('store lost')))
  assert.ok(logged.some((line) => line.startsWith('request store_unavailable')))
  await redis.restart()
  await eventually('proofs pass again', async () => (await prove(first)) === 'passed')
})
