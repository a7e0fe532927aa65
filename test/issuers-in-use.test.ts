import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import type { IssuerDeps } from '../src/issuers.ts'
import { beginIssuer, type IssuerInUse } from '../src/issuers-in-use.ts'
import { json, startKeyServer, status } from './keys/key-server.ts'
import { configOf } from './support/gateway.ts'
import { createManualClock } from './support/manual-clock.ts'
import { liveKey } from './support/orders.ts'
import { createKey } from './support/tokens.ts'

/** Issuers of one name, one after the other, and what is told of their keys. */
const start = async (t: TestContext) => {
  const server = await startKeyServer(t)
  server.set('/old', json({ keys: [liveKey.jwk] }))
  server.set('/new', json({ keys: [createKey('ES256', 'new').jwk] }))
  const clock = createManualClock(Date.now())
  const told: string[] = []
  const never = (): never => assert.fail('nobody asks')
  const deps: IssuerDeps = {
    store: { putIfAbsent: never, get: never, set: never, fault: async () => undefined, close: async () => undefined },
    clock,
    monotonic: clock.now,
    events: {
      keys: {
        fetched: (_name, result) => told.push(`fetched ${result}`),
        stateChanged: (_name, { state, jwksUri }) => told.push(`${state} ${jwksUri?.replace(server.origin, '')}`),
        unknownKid: () => told.push('unknown kid'),
        keyDropped: (_name, kid) => told.push(`dropped ${kid}`),
        warned: (_name, message) => told.push(message),
        decryptionChanged: () => told.push('decryption'),
      },
      introspection: { introspected: never, warned: never, credentialsRefused: never, degraded: never },
    },
  }
  const begin = async (path: string, tolerance: string, before?: IssuerInUse): Promise<IssuerInUse> => {
    const one = { issuer: 'https://as.test', keys: { jwks_uri: server.url(path) }, clock_tolerance: tolerance }
    const [options] = configOf(`issuers: ${JSON.stringify({ main: one })}\nupstreams: {}\n`).issuers
    assert.ok(options)
    const begun = beginIssuer(options, deps, before)
    t.after(() => begun.close())
    await begun.running.started
    return begun
  }
  return { server, begin, take: () => told.splice(0) }
}

test('what a reload has replaced tells nothing of its keys, however many requests still have it', async (t) => {
  const { server, begin, take } = await start(t)
  const first = await begin('/old', '30s')
  const second = await begin('/old', '20s', first)
  assert.equal(first.keys, second.keys)
  first.mute()
  const third = await begin('/new', '20s', second)
  second.mute()
  // To say it twice is to say it once.
  second.mute()
  take()
  server.set('/old', status(500))
  await first.running.reload()
  first.running.keys.resolve({ alg: 'ES256', kid: 'unknown' }, 0)
  assert.deepEqual(take(), [])
  await third.running.reload()
  assert.deepEqual(take(), ['fetched ok', 'fresh /new'])
})

test('keys that are taken over are told of as long as one that has them counts, whoever goes first', async (t) => {
  const { server, begin, take } = await start(t)
  const first = await begin('/old', '30s')
  const second = await begin('/old', '20s', first)
  first.mute()
  take()
  await second.running.reload()
  assert.deepEqual(take(), ['fetched ok', 'fresh /old'])
  await first.close()
  await second.running.reload()
  assert.deepEqual(take(), ['fetched ok', 'fresh /old'])
  assert.equal(server.hits('/old'), 3)
})
