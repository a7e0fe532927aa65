import assert from 'node:assert/strict'
import { subscribe, unsubscribe } from 'node:diagnostics_channel'
import { once } from 'node:events'
import { createServer } from 'node:net'
import { test } from 'node:test'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { inTime } from '../support/in-time.ts'
import { startRedis } from '../support/redis.ts'
import { startRedisStore } from './redis-setup.ts'
import { startSlowProxy } from './slow-proxy.ts'

/** More than the deadline of 50 ms, and much less than anything else that could end a call. */
const NOTED_MS = 100

const note = async (store: Store, key: string) => {
  const start = performance.now()
  const noting = Promise.resolve(store.putIfAbsent(key, 60_000))
  const punctual = await inTime(NOTED_MS, noting)
  return { answer: await noting, punctual, ms: performance.now() - start }
}

const recovers = async (store: Store, withinMs: number): Promise<void> => {
  let key = 0
  await eventually(
    'the store answers again',
    async () => (await store.putIfAbsent(`again${key++}`, 60_000)).ok,
    withinMs,
  )
}

test('contract section 5: a gateway starts while Redis is down, is told so once, and finds it when it comes', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  await redis.kill()
  const { store, events } = startRedisStore(t, redis.url)
  assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false })
  assert.equal(await store.fault(), `127.0.0.1:${redis.port}: ECONNREFUSED`)
  assert.deepEqual(store.get('a'), { ok: false })
  assert.deepEqual(events.operations, ['put_if_absent skipped', 'get skipped'])
  await redis.restart()
  await recovers(store, 5000)
  assert.deepEqual(events.connections, [
    `lost 127.0.0.1:${redis.port}: ECONNREFUSED`,
    `connected 127.0.0.1:${redis.port}`,
  ])
})

test('DP-15: a frozen Redis costs five requests 50 ms each at most, the others nothing, and it is found again within 2 s', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, connected, lost } = startRedisStore(t, redis.url)
  await connected()
  await recovers(store, 5000)
  events.operations.length = 0
  redis.stop()
  for (let call = 0; call < 5; call++) {
    const { answer, punctual } = await note(store, `frozen${call}`)
    assert.deepEqual(answer, { ok: false })
    assert.ok(punctual, `call ${call}`)
  }
  // No promise, so that nobody waits, however long this machine takes for it.
  for (let call = 5; call < 200; call++) assert.deepEqual(store.putIfAbsent(`frozen${call}`, 60_000), { ok: false })
  // The connection may be given up before all five have waited, where this machine is slow.
  assert.equal(events.operations[0], 'put_if_absent timeout')
  assert.ok(events.operations.slice(1, 5).every((line) => /timeout|error|skipped/.test(line)))
  assert.deepEqual(events.operations.slice(5), Array(195).fill('put_if_absent skipped'))
  await lost()
  assert.match((await store.fault()) ?? '', /: no answer in time$/)
  redis.cont()
  await recovers(store, 2000)
  assert.deepEqual(
    events.connections.map((line) => line.split(' ')[0]),
    ['connected', 'lost', 'connected'],
  )
})

test('a frozen Redis is noticed within half a second though nobody asks, so that the next request does not wait', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, connected, lost } = startRedisStore(t, redis.url)
  await connected()
  redis.stop()
  assert.ok(await inTime(1000, lost()))
  assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false })
})

test('an idle connection stays: nothing is lost in a second without a request', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { events, connected } = startRedisStore(t, redis.url)
  await connected()
  await eventually('ten PINGs were answered', async () => {
    const stats = await redis.tell('INFO commandstats')
    return Number(/cmdstat_ping:calls=(\d+)/.exec(stats)?.[1] ?? 0) > 12
  })
  assert.equal(events.connections.length, 1)
})

test('a Redis that was killed fails calls at once, those in flight too, and is found again after its restart', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, connected, lost } = startRedisStore(t, redis.url)
  const cut = Array<string>(20).fill('put_if_absent error')
  // Their end comes before their deadline; unless this machine takes longer than that to kill a process, so again then.
  for (let attempt = 1; ; attempt++) {
    await connected()
    await recovers(store, 2000)
    events.operations.length = 0
    redis.stop()
    const inFlight = Array.from({ length: 20 }, (_, at) => store.putIfAbsent(`a${at}`, 60_000))
    // The calls are written in the next turn of the loop.
    await new Promise((resolve) => setImmediate(resolve))
    await redis.kill()
    assert.deepEqual(await Promise.all(inFlight), Array(20).fill({ ok: false }))
    const operations = [...events.operations]
    await lost()
    assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false })
    await redis.restart()
    await connected()
    await recovers(store, 2000)
    assert.equal(events.connections.length, 1 + 2 * attempt)
    if (attempt < 10 && operations.includes('put_if_absent timeout')) continue
    assert.deepEqual(operations, cut)
    return
  }
})

test('DP-15: a Redis that answers after 200 ms is not waited for; what it noted late is noted, never noted twice', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  let delay = 0
  const port = await startSlowProxy(t, redis.port, () => delay)
  const { store, events, connected } = startRedisStore(t, `redis://127.0.0.1:${port}`)
  await connected()
  delay = 200
  let { answer, punctual, ms } = await note(store, 'slow')
  // Where this process was busy for as long as that, the answer was here and counted.
  for (let attempt = 1; attempt < 10 && ms >= 200; attempt++) {
    await redis.tell('DEL slow')
    ;({ answer, punctual, ms } = await note(store, 'slow'))
  }
  assert.deepEqual(answer, { ok: false })
  assert.ok(punctual && ms >= 49, `${ms} ms`)
  assert.equal(await redis.tell('EXISTS slow'), ':1')
  for (let call = 0; call < 10; call++) await note(store, 'slow')
  assert.ok(events.operations.includes('put_if_absent skipped'))
  // The connection lives: PINGs are answered, if late.
  assert.equal(events.connections.length, 1)
  delay = 0
  await eventually('it is quick again', async () => (await store.get('slow')).ok, 3000)
  assert.deepEqual(await store.putIfAbsent('slow', 60_000), { ok: true, value: false })
})

test('an answer that came while this process was busy beyond the deadline is an answer', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, connected } = startRedisStore(t, redis.url)
  await connected()
  await recovers(store, 5000)
  const asked = store.putIfAbsent('a', 60_000)
  // After the call was written, in the same turn of the loop.
  setImmediate(() => {
    for (const end = performance.now() + 80; performance.now() < end; );
  })
  assert.deepEqual(await asked, { ok: true, value: true })
})

test('a process that is busy for longer than it lets Redis be silent keeps its connection: the answer was there', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, connected } = startRedisStore(t, redis.url)
  let kept = 0
  // More rounds than have to be good: on a machine that is busy Redis may really be silent for that long.
  for (let round = 0; round < 12 && kept < 3; round++) {
    await connected()
    await recovers(store, 5000)
    const before = events.connections.length
    // A PING is on its way, and will be answered while nobody here reads.
    redis.stop()
    const since = performance.now()
    await eventually('a PING fell due', () => performance.now() - since > 150)
    // From here the timers come first, and what has arrived after them.
    await new Promise((resolve) => setImmediate(resolve))
    redis.cont()
    for (const end = performance.now() + 600; performance.now() < end; );
    await recovers(store, 5000)
    if (events.connections.length === before) kept++
  }
  assert.equal(kept, 3)
})

test('closing is immediate while Redis is frozen: calls in flight end, nothing is reported and nothing comes back', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const { store, events, connected } = startRedisStore(t, redis.url)
  await connected()
  redis.stop()
  const inFlight = store.putIfAbsent('a', 60_000)
  let closed = false
  const closing = Promise.all([store.close(), inFlight]).then(([, answer]) => {
    closed = true
    return answer
  })
  // By turns of the loop, not by the clock: a wait of any milliseconds is thousands of them.
  for (let turn = 0; turn < 100 && !closed; turn++) await new Promise((resolve) => setImmediate(resolve))
  assert.ok(closed)
  assert.deepEqual(await closing, { ok: false })
  redis.cont()
  await eventually('no client but the one that asks', async () =>
    /^# Clients\r?\nconnected_clients:1\r/m.test(await redis.tell('INFO clients')),
  )
  assert.equal(await store.fault(), 'it is closed')
  assert.deepEqual(events.connections, [`connected 127.0.0.1:${redis.port}`])
})

test('closing while it connects: the connection that comes about all the same is told nothing, no password above all', async (t) => {
  let received = 0
  let ended = 0
  const server = createServer((socket) => {
    socket.on('error', () => undefined)
    socket.on('data', (chunk) => {
      received += chunk.length
    })
    socket.on('close', () => ended++)
  })
  t.after(() => server.close())
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  const address = server.address()
  const port = typeof address === 'object' && address !== null ? address.port : 0
  const { store } = startRedisStore(t, `redis://:canary@127.0.0.1:${port}`)
  // In the very moment in which its socket is made.
  const close = (): void => void store.close()
  subscribe('net.client.socket', close)
  t.after(() => unsubscribe('net.client.socket', close))
  await eventually('the connection came and went', () => ended === 1)
  assert.equal(received, 0)
})
