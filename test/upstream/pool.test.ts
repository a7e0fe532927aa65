import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { type TestContext, test } from 'node:test'
import type { PoolDependencies } from '../../src/upstream/pool.ts'
import { sharedPools } from '../../src/upstream/shared-pools.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { issuerYaml } from '../support/orders.ts'
import { startRawUpstream, startUpstream } from '../support/upstream.ts'
import { get, getFrom, poolOf, quiet, teller, upstreamOf } from './pool-setup.ts'

/** A replica that answers with its name when it is told to, or at once. */
const startReplica = async (t: TestContext, name: string, atOnce = true) => {
  const waiting: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    if (atOnce) response.end(name)
    else waiting.push(response)
  })
  return { ...upstream, waiting, answer: () => waiting.shift()?.end(name) }
}

const overloaded = { reason: 'upstream_overloaded' }
const noneHealthy = { reason: 'upstream_unreachable', fault: 'no healthy replica' }

test('resources of one upstream share its connections: `pool.connections` is a limit of the upstream', async (t) => {
  const waiting: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    waiting.push(response)
  })
  const entry = (name: string) => ({
    resource: `https://api.test/${name}`,
    at: `/${name}`,
    routes: { '/**': 'public' },
    pool: { connections: 1 },
  })
  const upstreams = JSON.stringify({ [upstream.url]: [entry('a'), entry('b')] })
  const gateway = await startGateway(t, `${issuerYaml()}upstreams: ${upstreams}\n`)
  const answers = Promise.all(['a', 'b'].map(async (name) => (await fetch(`${gateway.url}/${name}`)).text()))
  await eventually('both are under way', async () => /^audgate_open_requests 2$/m.test(await gateway.metrics()))
  await eventually('the first has arrived', () => waiting.length > 0)
  assert.equal(waiting.length, 1)
  waiting[0]?.end('one')
  await eventually('the second has its turn', () => waiting.length === 2)
  waiting[1]?.end('two')
  assert.deepEqual((await answers).sort(), ['one', 'two'])
  assert.equal(upstream.connections(), 1)
})

test('entries share a pool only if their connections would be the same', async (t) => {
  const pools = sharedPools(quiet)
  t.after(() => pools.keep(new Set()))
  const base = upstreamOf(['http://127.0.0.1:1', 'http://127.0.0.1:2'])
  const tls = {
    ca: 'a',
    certificate: undefined,
    key: undefined,
    serverName: undefined,
    files: { ca: '/a', certificate: undefined, key: undefined },
  }
  const pool = pools.of(base)
  assert.equal(pools.of({ ...base, authorization: 'strip', retries: 3, identityHeaders: [] }), pool)
  const others = [
    upstreamOf(['http://127.0.0.1:1']),
    upstreamOf(['http://127.0.0.1:2', 'http://127.0.0.1:1']),
    { ...base, balance: 'least_pending' as const },
    { ...base, timeouts: { ...base.timeouts, connectMs: 1 } },
    { ...base, pool: { ...base.pool, queue: 1 } },
    { ...base, ejection: { failures: 1, durationMs: 1 } },
    { ...base, tls },
    { ...base, tls: { ...tls, serverName: 'a' } },
    // Alike today, but the files may change each for itself.
    { ...base, tls: { ...tls, files: { ...tls.files, ca: '/b' } } },
    { ...base, tls: { ...tls, files: { ...tls.files, certificate: '/a', key: '/a' } } },
  ].map(pools.of)
  assert.equal(new Set([pool, ...others]).size, others.length + 1)
  // What is in the files is no part of it, least of all a key.
  assert.equal(pools.of({ ...base, tls: { ...tls, key: 'read later' } }), others[6])
})

test('the queue is in order of arrival, whoever comes last waits behind, and beyond it is upstream_overloaded', async (t) => {
  const upstream = await startReplica(t, 'a', false)
  const pool = poolOf(t, upstreamOf([upstream.url], { pool: { connections: 1, queue: 3 } }))
  const sent = ['/0', '/1', '/2', '/3', '/4'].map((path) => get(pool, path))
  assert.deepEqual((await sent[4]?.told)?.refusal, overloaded)
  assert.equal(upstream.connections() <= 1, true)
  for (let i = 0; i < 4; i++) {
    await eventually(`number ${i} has come`, () => upstream.seen.length === i + 1 && upstream.waiting.length === 1)
    // A place in the queue is free: this one waits behind those that came before it.
    if (i === 0) sent.push(get(pool, '/late'))
    upstream.answer()
  }
  assert.deepEqual((await sent[5]?.told)?.refusal, overloaded)
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/0', '/1', '/2', '/3'],
  )
})

test('who comes in the moment when a connection has come free waits behind those who wait', async (t) => {
  const upstream = await startReplica(t, 'a')
  const pool = poolOf(t, upstreamOf([upstream.url], { pool: { connections: 1, queue: 9 } }))
  const late = Promise.withResolvers<unknown>()
  pool.dispatch({
    tried: [],
    overdue: () => late.reject(new Error('overdue')),
    send: (lease) => {
      const { handler } = teller(lease)
      const onResponseEnd: typeof handler.onResponseEnd = (...given) => {
        handler.onResponseEnd?.(...given)
        void get(pool, '/late').told.then(late.resolve)
      }
      return { options: getFrom(lease.replica, '/first'), handler: { ...handler, onResponseEnd } }
    },
  })
  void get(pool, '/waits').told
  await late.promise
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/first', '/waits', '/late'],
  )
})

test('with a queue of 0, a request that finds no connection is refused at once', async (t) => {
  const upstream = await startReplica(t, 'a', false)
  const pool = poolOf(t, upstreamOf([upstream.url], { pool: { connections: 1, queue: 0 } }))
  const first = get(pool)
  assert.deepEqual((await get(pool).told).refusal, overloaded)
  await eventually('the first has come', () => upstream.waiting.length === 1)
  upstream.answer()
  assert.equal((await first.told).status, 200)
})

test('who leaves the queue is never sent, and its place is free', async (t) => {
  const upstream = await startReplica(t, 'a', false)
  const pool = poolOf(t, upstreamOf([upstream.url], { pool: { connections: 1, queue: 1 } }))
  const first = get(pool, '/first')
  const gone = get(pool, '/gone')
  gone.leave()
  const next = get(pool, '/next')
  for (const one of [first, next]) {
    await eventually('it has come', () => upstream.waiting.length === 1)
    // Without effect on what was sent.
    one.leave()
    upstream.answer()
    assert.equal((await one.told).status, 200)
  }
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/first', '/next'],
  )
})

test('who waits longer than for an answer is overdue, and is never sent', async (t) => {
  const upstream = await startReplica(t, 'a', false)
  const clock = createManualClock()
  const pool = poolOf(
    t,
    upstreamOf([upstream.url], {
      pool: { connections: 1, queue: 9 },
      timeouts: { connectMs: 5000, responseMs: 700, idleMs: 5000 },
    }),
    { ...quiet, after: clock.after },
  )
  const first = get(pool, '/first')
  const late = get(pool, '/late')
  await eventually('the first has come', () => upstream.waiting.length === 1)
  clock.advance(700)
  assert.deepEqual((await late.told).refusal, overloaded)
  upstream.answer()
  assert.equal((await first.told).status, 200)
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/first'],
  )
})

test('a waiter takes whichever replica frees first', async (t) => {
  const [a, b] = await Promise.all([startReplica(t, 'a', false), startReplica(t, 'b', false)])
  const pool = poolOf(t, upstreamOf([a.url, b.url], { pool: { connections: 1, queue: 9 } }))
  for (let i = 0; i < 3; i++) void get(pool).told
  await eventually('both are busy', () => a.waiting.length === 1 && b.waiting.length === 1)
  b.answer()
  await eventually('it came there', () => b.waiting.length === 1)
  assert.equal(a.seen.length, 1)
})

test('HS-16: who wants another replica waits for it, and holds up nobody for whom there is room', async (t) => {
  const [a, b] = await Promise.all([startReplica(t, 'a'), startReplica(t, 'b', false)])
  const options = upstreamOf([a.url, b.url], { pool: { connections: 1, queue: 9 } })
  const pool = poolOf(t, options)
  assert.equal((await get(pool).told).body, 'a')
  void get(pool).told
  await eventually('b is busy', () => b.waiting.length === 1)
  const again = get(pool, '/again', { tried: options.replicas.slice(0, 1), elsewhere: true })
  assert.equal((await get(pool).told).body, 'a')
  assert.equal((await get(pool).told).body, 'a')
  b.answer()
  await eventually('it is its turn', () => b.waiting.length === 1)
  b.answer()
  assert.equal((await again.told).body, 'b')
  const nobody = get(pool, '/', { tried: options.replicas, elsewhere: true })
  assert.deepEqual((await nobody.told).refusal, noneHealthy)
})

test('HS-16: where it failed, it goes on a new connection', async (t) => {
  const upstream = await startReplica(t, 'a')
  const options = upstreamOf([upstream.url])
  const pool = poolOf(t, options)
  await get(pool).told
  assert.equal((await get(pool).told).reused, true)
  assert.equal((await get(pool, '/', { tried: options.replicas }).told).reused, false)
  assert.equal(upstream.connections(), 2)
})

/** With the events of the pool, as text. */
const listening = (change: Partial<PoolDependencies> = {}) => {
  const events: string[] = []
  const dependencies: PoolDependencies = {
    ...quiet,
    ...change,
    events: {
      health: ({ name }, healthy, detail) => events.push(`${name} ${healthy} ${detail}`),
      ejected: ({ name }) => events.push(`${name} ejected`),
    },
  }
  return { events, dependencies }
}

const healthCheck = { path: '/healthz', intervalMs: 1000, timeoutMs: 500, healthy: 1, unhealthy: 1 }

test('a replica that the checks call unhealthy gets nothing, and without a healthy one nothing is taken', async (t) => {
  const states = { a: 200, b: 200 }
  const [a, b] = await Promise.all(
    (['a', 'b'] as const).map((name) =>
      startUpstream(t, (request, response) => {
        request.resume()
        if (request.url === '/healthz') response.statusCode = states[name]
        response.end(name)
      }),
    ),
  )
  assert.ok(a && b)
  const clock = createManualClock()
  const { events, dependencies } = listening({ after: clock.after, random: () => 0 })
  const pool = poolOf(t, upstreamOf([a.url, b.url], { healthCheck }), dependencies)
  clock.advance(0)
  /** The next checks of both. */
  const checked = async (): Promise<void> => {
    await eventually('the checks rest', () => clock.waiting().length === 2 && (clock.waiting()[0] ?? 0) > 500)
    clock.advance(1000)
    await eventually('the checks are over', () => clock.waiting().length === 2 && (clock.waiting()[0] ?? 0) > 500)
  }
  const bodies = async () => [(await get(pool).told).body, (await get(pool).told).body].sort().join('')
  assert.equal(await bodies(), 'ab')
  states.a = 503
  await checked()
  assert.deepEqual(events, [`${a.url} false status 503`])
  assert.deepEqual(
    pool.health().map(({ healthy }) => healthy),
    [false, true],
  )
  assert.equal(await bodies(), 'bb')
  states.b = 500
  await checked()
  assert.deepEqual((await get(pool).told).refusal, noneHealthy)
  states.a = 200
  await checked()
  assert.equal(await bodies(), 'aa')
  assert.equal(events.at(-1), `${a.url} true good`)
})

/** Two replicas, whose checks say what `states` has, and whose answers the test lets go. */
const startChecked = async (t: TestContext, states: { a: number; b: number }) => {
  const waiting: Record<'a' | 'b', ServerResponse[]> = { a: [], b: [] }
  const start = (name: 'a' | 'b') =>
    startUpstream(t, (request, response) => {
      request.resume()
      if (request.url !== '/healthz') return void waiting[name].push(response)
      response.statusCode = states[name]
      response.end()
    })
  const [a, b] = await Promise.all([start('a'), start('b')])
  const options = upstreamOf([a.url, b.url], {
    pool: { connections: 1, queue: 9 },
    healthCheck: { ...healthCheck, intervalMs: 100 },
  })
  return { waiting, pool: poolOf(t, options) }
}

test('a replica that is healthy again takes who waits for another', async (t) => {
  const states = { a: 200, b: 503 }
  const { waiting, pool } = await startChecked(t, states)
  await eventually('b is out', () => pool.health()[1]?.healthy === false)
  void get(pool).told
  void get(pool).told
  await eventually('the first one has come', () => waiting.a.length === 1)
  assert.equal(waiting.b.length, 0)
  states.b = 200
  await eventually('the other one has come', () => waiting.b.length === 1)
})

test('without a healthy replica nobody is made to wait behind those who wait already', async (t) => {
  const states = { a: 200, b: 503 }
  const { waiting, pool } = await startChecked(t, states)
  await eventually('b is out', () => pool.health()[1]?.healthy === false)
  void get(pool).told
  void get(pool).told
  await eventually('the first one has come', () => waiting.a.length === 1)
  states.a = 503
  await eventually('a is out too', () => pool.health()[0]?.healthy === false)
  assert.deepEqual((await get(pool).told).refusal, noneHealthy)
})

test('who waits while the last healthy replica becomes unhealthy is refused like whoever comes then', async (t) => {
  const states = { a: 200, b: 503 }
  const { waiting, pool } = await startChecked(t, states)
  await eventually('b is out', () => pool.health()[1]?.healthy === false)
  void get(pool).told
  const waiters = [get(pool), get(pool)]
  await eventually('the first one has come', () => waiting.a.length === 1)
  states.a = 503
  const since = performance.now()
  for (const { told } of waiters) assert.deepEqual((await told).refusal, noneHealthy)
  assert.ok(performance.now() - since < 2500)
})

test('HS-27: who gives up while a connection is being made has it no more, wherever he waited for it', async (t) => {
  let open = 0
  const upstream = await startRawUpstream(t, (socket) => {
    open++
    socket.resume()
    socket.on('close', () => open--)
  })
  const options = upstreamOf([upstream.url.replace('http:', 'https:')], { pool: { connections: 1, queue: 1 } })
  const pool = poolOf(t, options)
  const first = get(pool)
  const second = get(pool)
  for (const [one, made] of [
    [first, 1],
    [second, 2],
  ] as const) {
    await eventually('it is connected to', () => upstream.connections() === made && open === 1)
    one.leave()
    assert.deepEqual((await one.told).refusal, { reason: 'internal', fault: 'UND_ERR_DESTROYED' })
  }
  await eventually('no connection is left', () => open === 0)
})

test('a replica whose time out is over takes who waits for another', async (t) => {
  const [a, b] = await Promise.all([startReplica(t, 'a', false), startReplica(t, 'b', false)])
  const clock = createManualClock()
  const options = upstreamOf([a.url, b.url], {
    pool: { connections: 1, queue: 9 },
    ejection: { failures: 1, durationMs: 500 },
  })
  const pool = poolOf(t, options, { ...quiet, now: clock.now, after: clock.after })
  const failing = get(pool)
  await eventually('it has come', () => a.waiting.length === 1)
  a.waiting.shift()?.destroy()
  assert.equal((await failing.told).refusal?.reason, 'upstream_invalid')
  const busy = get(pool)
  await eventually('the other one is busy', () => b.waiting.length === 1)
  const waits = get(pool)
  clock.advance(499)
  assert.equal(a.seen.length, 1)
  clock.advance(2)
  await eventually('it has come to the first', () => a.seen.length === 2)
  for (const one of [a, b]) {
    await eventually('it has come', () => one.waiting.length === 1)
    one.answer()
  }
  assert.deepEqual([(await busy.told).body, (await waits.told).body], ['b', 'a'])
  const again = get(pool)
  await eventually('it has come', () => b.waiting.length === 1)
  b.waiting.shift()?.destroy()
  await again.told
  assert.equal(clock.waiting().length, 1)
  await pool.destroy()
  assert.deepEqual(clock.waiting(), [])
})

test('the checks of many upstreams begin within a second, and only so many are asked at a time', async (t) => {
  const waiting: ServerResponse[] = []
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    waiting.push(response)
  })
  const clock = createManualClock()
  let drawn = 0
  const pools = sharedPools({ ...quiet, after: clock.after, random: () => (drawn++ % 10) / 10 })
  t.after(() => pools.keep(new Set()))
  const many = 300
  for (let i = 0; i < many; i++) {
    pools.of(upstreamOf([upstream.url], { healthCheck: { ...healthCheck, path: `/${i}`, timeoutMs: 60_000 } }))
  }
  assert.deepEqual([...new Set(clock.waiting())].map(Math.round), [0, 100, 200, 300, 400, 500, 600, 700, 800, 900])
  clock.advance(900)
  await eventually('the first ones are asked', () => waiting.length === 256)
  assert.equal(upstream.connections(), 256)
  for (let i = 0; i < many - 256; i++) waiting[i]?.end()
  await eventually('the others are asked', () => waiting.length === many)
  assert.equal(new Set(upstream.seen.map(({ target }) => target)).size, many)
})

test('a replica at which requests fail is left out for a while, and the last one never', async (t) => {
  const good = await startReplica(t, 'good')
  const urls = [`http://127.0.0.1:${await freePort()}`, good.url]
  let now = 0
  const { events, dependencies } = listening({ now: () => now })
  const pool = poolOf(t, upstreamOf(urls, { ejection: { failures: 2, durationMs: 1000 } }), dependencies)
  const bodies = async (count: number) => {
    const all = []
    for (let i = 0; i < count; i++) all.push((await get(pool).told).body || 'x')
    return all.join(' ')
  }
  assert.equal(await bodies(4), 'x good x good')
  assert.deepEqual(events, [`${urls[0]} ejected`])
  assert.equal(await bodies(3), 'good good good')
  assert.deepEqual(
    pool.health().map(({ healthy }) => healthy),
    [false, true],
  )
  now = 1001
  assert.equal(await bodies(3), 'x good good')
  const alone = poolOf(t, upstreamOf(urls.slice(0, 1), { ejection: { failures: 1, durationMs: 1000 } }), dependencies)
  for (let i = 0; i < 3; i++) {
    assert.deepEqual((await get(alone).told).refusal, { reason: 'upstream_unreachable', fault: 'ECONNREFUSED' })
  }
})

test('destroyed, who waits is overdue, nothing is taken, and no check is left', async (t) => {
  const upstream = await startReplica(t, 'a', false)
  const clock = createManualClock()
  const options = upstreamOf([upstream.url], { pool: { connections: 1, queue: 9 }, healthCheck })
  const pool = poolOf(t, options, { ...quiet, after: clock.after, random: () => 0 })
  clock.advance(0)
  const [first, second] = [get(pool), get(pool)]
  await eventually('the first and a check have come', () => upstream.waiting.length === 2)
  await pool.destroy()
  assert.deepEqual((await second.told).refusal, overloaded)
  assert.deepEqual((await first.told).refusal, { reason: 'internal', fault: 'UND_ERR_DESTROYED' })
  assert.equal((await get(pool).told).refusal?.reason, 'internal')
  await eventually('no timer is left', () => clock.waiting().length === 0)
  assert.equal(upstream.connections(), 2)
})
