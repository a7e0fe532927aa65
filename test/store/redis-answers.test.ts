import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/keys/clock.ts'
import { createRedisStore } from '../../src/store/redis.ts'
import { eventually } from '../support/eventually.ts'
import { connectionsOf, startRedis } from '../support/redis.ts'
import { recordStoreEvents } from '../support/store-events.ts'
import { startRedisStore } from './redis-setup.ts'

test('DP-15: a Redis that is full answers OOM: not noted is not ok, reading goes on, and it is asked again at once', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, connected } = startRedisStore(t, redis.url)
  await connected()
  assert.equal((await store.set('before', 'x', 60_000)).ok, true)
  await redis.tell('CONFIG SET maxmemory 1')
  events.operations.length = 0
  for (let call = 0; call < 10; call++) assert.deepEqual(await store.putIfAbsent(`a${call}`, 60_000), { ok: false })
  assert.deepEqual(events.operations, Array(10).fill('put_if_absent error'))
  assert.deepEqual(await store.get('before'), { ok: true, value: 'x' })
  assert.deepEqual(events.refusals, [`put_if_absent 127.0.0.1:${redis.port}: it answered OOM`], 'told once')
  assert.equal(await store.fault(), `127.0.0.1:${redis.port}: it answered OOM to a write`)
  await redis.tell('CONFIG SET maxmemory 0')
  assert.deepEqual(await store.putIfAbsent('a0', 60_000), { ok: true, value: true })
  assert.equal(await store.fault(), undefined)
  assert.equal(events.connections.length, 1)
})

test('DP-15: a replica answers READONLY: nothing is noted, and new connections are tried until one takes a write', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, connected } = startRedisStore(t, redis.url)
  await connected()
  await redis.tell('REPLICAOF 127.0.0.1 1')
  events.operations.length = 0
  // Their answers come in one packet: the second must not renew again what the first renewed.
  const asked = [store.putIfAbsent('a', 60_000), store.fault(), store.set('b', 'x', 60_000)]
  const fault = `127.0.0.1:${redis.port}: it answered READONLY`
  assert.deepEqual(await Promise.all(asked), [{ ok: false }, fault, { ok: false }])
  assert.deepEqual(events.operations, ['put_if_absent error', 'set error'])
  const before = await connectionsOf(redis)
  // Each look is a connection of its own.
  let looks = 0
  await eventually('it was tried again', async () => (await connectionsOf(redis)) - before - ++looks >= 3)
  assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false }, 'nobody waits for it')
  assert.equal(await store.fault(), fault)
  assert.deepEqual(events.connections.slice(1), [`lost ${fault}`], 'told once, though each of them answers PING')
  await redis.tell('REPLICAOF NO ONE')
  await connected()
  assert.deepEqual(await store.putIfAbsent('a', 60_000), { ok: true, value: true })
  assert.deepEqual(events.refusals, [], 'it is lost, and that was said')
})

/** A store whose attempts to connect come at once; `waits` is when they would have come. Its time stands at `time.now`. */
const startHastyStore = (t: TestContext, url: string) => {
  const events = recordStoreEvents()
  const waits: number[] = []
  const time = { now: 0 }
  const clock = {
    after: (ms: number, run: () => void) => {
      // The distance of PINGs; no attempt comes that late.
      if (ms === 100) return systemClock.after(ms, run)
      waits.push(ms)
      return systemClock.after(1, run)
    },
  }
  const options = { kind: 'redis', url, username: undefined, passwordFile: undefined, ca: undefined } as const
  const store = createRedisStore(options, { events, clock, random: () => 0.02, monotonic: () => time.now })
  t.after(() => store.close())
  return { store, events, waits, time }
}

test('attempts at a replica come later and later, a second at most', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, waits } = startHastyStore(t, redis.url)
  assert.equal(await store.fault(), undefined)
  await redis.tell('REPLICAOF 127.0.0.1 1')
  await Promise.all(['a', 'b', 'c'].map((key) => store.set(key, 'x', 60_000)))
  assert.deepEqual(waits, [52], 'three answers, one end')
  await eventually('thirty attempts', () => waits.length >= 30)
  assert.deepEqual(waits.slice(0, 3), [52, 102, 152])
  assert.equal(waits[29], 1002)
  assert.equal(events.connections.length, 2)
})

test('after READONLY a refusal of the probe is not one of the connection: a user without that key is served', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  await redis.tell('ACL SETUSER half on >pw ~x:* +set +get +ping')
  const { store, connected } = startRedisStore(t, `redis://half:pw@127.0.0.1:${redis.port}`)
  await connected()
  await redis.tell('REPLICAOF 127.0.0.1 1')
  assert.deepEqual(await store.set('x:a', 'x', 60_000), { ok: false })
  await redis.tell('REPLICAOF NO ONE')
  await connected()
  await redis.tell('CONFIG RESETSTAT')
  let stats = ''
  await eventually('it was asked some more', async () => {
    stats = await redis.tell('INFO commandstats')
    return Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0) > 3
  })
  assert.doesNotMatch(stats, /cmdstat_set:/, 'by PING, as before')
  assert.equal((await store.set('x:a', 'x', 60_000)).ok, true)
})

test('that a refused operation goes through again is told, when it was calm for ten seconds', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, time } = startHastyStore(t, redis.url)
  assert.equal(await store.fault(), undefined)
  await redis.tell('CONFIG SET maxmemory 1')
  assert.deepEqual(await store.set('a', 'x', 60_000), { ok: false })
  await redis.tell('CONFIG SET maxmemory 0')
  assert.equal((await store.set('a', 'x', 60_000)).ok, true)
  assert.equal(events.refusals.length, 1)
  time.now += 10_000
  assert.equal((await store.set('a', 'x', 60_000)).ok, true)
  assert.deepEqual(events.refusals, [`set 127.0.0.1:${redis.port}: it answered OOM`, 'set undefined'])
})

test('an answer to a PING in the packet that ends the connection does not stop the next attempt', async (t) => {
  let pings = 0
  const server = createServer((socket) => {
    t.after(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', () => socket.write(++pings === 2 ? '+PONG\r\n^\r\n' : '+PONG\r\n'))
  })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { events } = startRedisStore(t, `redis://127.0.0.1:${port}`)
  await eventually('it is back, and is asked again', () => events.connections.length === 3 && pings > 3)
  assert.deepEqual(
    events.connections.map((line) => line.split(' ')[0]),
    ['connected', 'lost', 'connected'],
  )
})

test('a Redis that is loading its data is not asked until it has, and then without a new connection', async (t) => {
  const redis = await startRedis(t, '--rdbcompression', 'no')
  if (redis === undefined) return
  const keys = Array.from({ length: 40 }, (_, at) => `SET k${at} ${'x'.repeat(2000)}`)
  assert.equal(await redis.tell(...keys, 'SAVE'), Array(41).fill('+OK').join('\r\n'))
  await redis.kill()
  await redis.restart('--key-load-delay', '30000', '--loading-process-events-interval-bytes', '1024')
  const { store, events, connected } = startRedisStore(t, redis.url)
  assert.equal(await store.fault(), `127.0.0.1:${redis.port}: it answered LOADING`)
  assert.deepEqual(store.get('k1'), { ok: false })
  await connected()
  assert.deepEqual(await store.get('k1'), { ok: true, value: 'x'.repeat(2000) })
  assert.deepEqual(events.connections, [
    `lost 127.0.0.1:${redis.port}: it answered LOADING`,
    `connected 127.0.0.1:${redis.port}`,
  ])
})

/** A server that answers PING with PONG and everything else with the same bytes. Closed with the test. */
const startLiar = async (t: TestContext, answer: string): Promise<string> => {
  const server = createServer((socket) => {
    t.after(() => socket.destroy())
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      for (const [command] of chunk.toString().matchAll(/PING|SET|GET/g)) {
        socket.write(command === 'PING' ? '+PONG\r\n' : answer)
      }
    })
  })
  t.after(() => server.close())
  await new Promise<void>((resolve) => {
    server.listen(0, '127.0.0.1', () => resolve())
  })
  const address = server.address()
  return `redis://127.0.0.1:${typeof address === 'object' && address !== null ? address.port : 0}`
}

for (const [answer, why] of [
  ['+QUEUED\r\n', 'its answer is none to this command'],
  [':1\r\n', 'its answer is none to this command'],
  ['*0\r\n', 'its answer is none to this command'],
  ['-\r\n', 'it answered an error'],
  ['-MOVED 1 10.0.0.1:6379\r\n', 'it answered MOVED'],
  [`-${'CANARY'.repeat(10)}\r\n`, 'it answered an error'],
] as const) {
  test(`DP-15: only OK means noted: ${JSON.stringify(answer)} is no answer`, async (t) => {
    const { store, events, connected } = startRedisStore(t, await startLiar(t, answer))
    await connected()
    assert.deepEqual(await store.putIfAbsent('a', 60_000), { ok: false })
    assert.deepEqual(await store.set('a', 'x', 60_000), { ok: false })
    assert.deepEqual(events.operations, ['put_if_absent error', 'set error'])
    assert.deepEqual(
      events.refusals.map((line) => line.replace(/ \S+: /, ' ')),
      ['put_if_absent', 'set'].map((op) => `${op} ${why}`),
    )
  })
}

for (const answer of ['this is not Redis\r\n', 'HTTP/1.1 400 Bad Request\r\n\r\n', '^\r\n', '\0\0\0\0']) {
  test(`what is not the protocol of Redis ends the connection: ${JSON.stringify(answer)}`, async (t) => {
    const { store, events, connected } = startRedisStore(t, await startLiar(t, answer))
    await connected()
    // Both on their way: no answer may be taken for that to the other.
    const asked = [store.putIfAbsent('a', 60_000), store.get('a')]
    assert.deepEqual(await Promise.all(asked), [{ ok: false }, { ok: false }])
    assert.deepEqual(events.operations, ['put_if_absent error', 'get error'], 'nobody waited for the deadline')
    assert.match(events.connections[1] ?? '', /^lost .*: it does not speak the protocol of Redis$/)
    await connected()
  })
}

test('an answer to a command that nobody sent ends the connection: it is the answer to no later one', async (t) => {
  const { store, events, connected } = startRedisStore(t, await startLiar(t, '+OK\r\n+OK\r\n'))
  await connected()
  assert.deepEqual(await store.putIfAbsent('a', 60_000), { ok: true, value: true })
  assert.deepEqual(store.get('b'), { ok: false })
  assert.match(events.connections[1] ?? '', /^lost /)
})
