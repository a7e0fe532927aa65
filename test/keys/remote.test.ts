import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Answer, endless, json, reset, silence, startKeyServer, status, text } from './key-server.ts'
import { flood, hour, minute, refresh, startSource, verdict } from './remote-setup.ts'
import { publicJwk } from './test-keys.ts'

const one = await publicJwk('ES256', { kid: '1' })
const two = await publicJwk('ES256', { kid: '2' })
const set = (...keys: readonly unknown[]): Answer => json({ keys })

const drip: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{')
}

/** How a key endpoint can be bad, and what the operator hears of it. */
const outages: readonly (readonly [string, Answer, string])[] = [
  ['answers 500', status(500), 'http'],
  ['answers 302', status(302, { location: '/good' }), 'http'],
  ['answers 204', status(204), 'http'],
  ['answers an empty set', set(), 'empty'],
  ['answers a set without a usable key', set({ kty: 'oct', k: 'AAAA', kid: '1' }), 'empty'],
  ['answers HTML', text('<html>', 'text/html'), 'parse'],
  ['answers a list', json([one]), 'parse'],
  ['answers keys that are no list', json({ keys: { 0: one } }), 'parse'],
  ['answers half a set', text('{"keys":[{"kty":"EC"'), 'parse'],
  ['answers invalid UTF-8', text(Buffer.from([0x7b, 0xff, 0x7d])), 'parse'],
  ['answers without end', endless, 'too_large'],
  ['answers nothing', silence, 'timeout'],
  ['stops half-way', drip, 'timeout'],
  ['breaks the connection', reset, 'connect'],
]

const started = async (...[t, options]: Parameters<typeof prepare>) => {
  const all = await prepare(t, options)
  await all.source.started
  return all
}

const prepare = async (
  t: Parameters<typeof startKeyServer>[0],
  options: NonNullable<Parameters<typeof startSource>[2]> & { readonly first?: Answer } = {},
) => {
  const { first = set(one), ...rest } = options
  const server = await startKeyServer(t)
  server.set('/jwks', first)
  server.set('/good', set(one, two))
  return { server, ...startSource(t, { kind: 'jwks_uri', url: server.url('/jwks') }, rest) }
}

const quick = { refresh: { ...refresh, timeoutMs: 400 } }

test('a key that is known is answered without a promise', async (t) => {
  const { source } = await started(t)
  const outcome = source.resolve({ alg: 'ES256', kid: '1' }, 0)
  assert.ok(!(outcome instanceof Promise) && outcome.ok)
  assert.equal(outcome.value.type, 'public')
  assert.equal(source.resolve({ alg: 'ES256', kid: '1' }, 0), outcome)
  assert.equal(source.state, 'fresh')
})

test('AS-8, AS-12: 1,000 random kids with a good endpoint: one fetch per cooldown, and 401', async (t) => {
  const { server, source, clock, events } = await started(t)
  assert.deepEqual(await flood(source), ['key_unknown'])
  assert.equal(server.hits('/jwks'), 2)
  assert.deepEqual(await flood(source), ['key_unknown'])
  clock.advance(refresh.cooldownMs - 1)
  assert.deepEqual(await flood(source), ['key_unknown'])
  assert.equal(server.hits('/jwks'), 2)
  clock.advance(1)
  assert.deepEqual(await flood(source), ['key_unknown'])
  assert.equal(server.hits('/jwks'), 3)
  assert.equal(events.unknownKids, 4_000)
})

for (const [name, answer, result] of outages) {
  test(`AS-9, AS-12: the endpoint ${name} after the start: 1,000 random kids, one fetch per cooldown, 503, the known kid works`, async (t) => {
    const { server, source, clock, events } = await started(t, result === 'timeout' ? { keys: quick } : {})
    server.set('/jwks', answer)
    const flooding = flood(source)
    assert.ok(!(source.resolve({ alg: 'ES256', kid: '1' }, 0) instanceof Promise))
    assert.deepEqual(await flooding, ['keys_unavailable'])
    assert.deepEqual(await flood(source), ['keys_unavailable'])
    assert.equal(await verdict(source, '1'), 'key')
    assert.deepEqual([server.allHits(), source.state, events.fetches.at(-1)], [2, 'stale', result])
    clock.advance(refresh.cooldownMs - 1)
    assert.deepEqual(await flood(source), ['keys_unavailable'])
    assert.equal(server.allHits(), 2)
    clock.advance(1)
    await flood(source, 10)
    assert.deepEqual([server.allHits(), await verdict(source, '1')], [3, 'key'])
  })

  test(`AS-9, AS-12: the endpoint ${name} from the start: 1,000 random kids cause no fetch, 503, and it recovers`, async (t) => {
    const { server, source, clock, events } = await prepare(t, {
      first: answer,
      ...(result === 'timeout' && { keys: quick }),
    })
    assert.equal(source.state, 'cold')
    assert.deepEqual(await flood(source), ['keys_unavailable'])
    await source.started
    assert.deepEqual(await flood(source), ['keys_unavailable'])
    assert.deepEqual([server.allHits(), source.state, source.generation], [1, 'cold', 0])
    assert.deepEqual(events.fetches, [result])
    server.set('/jwks', set(one))
    clock.advance(1_000)
    await events.fetchCount(2)
    assert.deepEqual([source.state, await verdict(source, '1')], ['fresh', 'key'])
  })
}

test('the issuer is not reachable at the start: nothing throws, and the attempts back off from half a second to 30 s', async (t) => {
  const { source, clock, events } = await started(t, { first: reset })
  const waits: number[] = []
  for (let attempt = 2; attempt < 9; attempt++) {
    const [next = Number.NaN] = clock.waiting()
    waits.push(Math.round(next / 500) / 2)
    clock.advance(next)
    await events.fetchCount(attempt)
  }
  assert.deepEqual(waits, [1, 2, 4, 8, 16, 30, 30])
  assert.match(source.report().lastError ?? '', /\/jwks: failed with /)
})

test('after a success the back-off begins again', async (t) => {
  const { server, source, clock, events } = await started(t)
  let fetches = 1
  const next = async (answer: Answer): Promise<number | undefined> => {
    server.set('/jwks', answer)
    clock.advance(clock.waiting()[0] ?? Number.NaN)
    fetches += 1
    await events.fetchCount(fetches)
    return Math.round((clock.waiting()[0] ?? Number.NaN) / 1_000)
  }
  assert.deepEqual([await next(status(500)), await next(status(500))], [60, 120])
  await next(set(one))
  assert.deepEqual([source.state, await next(status(500))], ['fresh', 60])
})

test('AS-12: Retry-After is the time to the next attempt in whole seconds, at least one', async (t) => {
  const { source, clock, events } = await started(t, { first: reset })
  const retryAfter = async () => {
    const outcome = await source.resolve({ alg: 'ES256', kid: '1' }, 0)
    return !outcome.ok && outcome.refusal.reason === 'keys_unavailable' && outcome.refusal.retryAfterSeconds
  }
  assert.equal(await retryAfter(), 1)
  for (const attempt of [2, 3, 4]) {
    clock.advance(clock.waiting()[0] ?? 0)
    await events.fetchCount(attempt)
  }
  assert.equal(await retryAfter(), 8)
  clock.advance(7_900)
  assert.equal(await retryAfter(), 1)
})

test('AS-8: the cooldown does not count from the start: a key rotated in right after it is found by the first token', async (t) => {
  const { server, source } = await started(t)
  server.set('/jwks', set(one, two))
  assert.equal(await verdict(source, '2'), 'key')
  assert.equal(server.hits('/jwks'), 2)
})

test('AS-8: the cooldown does not count from a scheduled refresh', async (t) => {
  const { server, source, clock, events } = await started(t)
  clock.advance(10 * minute)
  await events.fetchCount(2)
  server.set('/jwks', set(one, two))
  assert.equal(await verdict(source, '2'), 'key')
})

test('AS-9: the cooldown counts from a scheduled refresh that failed', async (t) => {
  const { server, source, clock, events } = await started(t)
  server.set('/jwks', status(500))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.deepEqual(await flood(source), ['keys_unavailable'])
  clock.advance(refresh.cooldownMs - 1)
  assert.deepEqual(await flood(source), ['keys_unavailable'])
  assert.equal(server.hits('/jwks'), 2)
  clock.advance(1)
  await flood(source)
  assert.equal(server.hits('/jwks'), 3)
})

test('a new kid that comes during the cooldown and during a refresh waits for that refresh', async (t) => {
  const { server, source, clock } = await started(t, { random: 0 })
  clock.advance(10 * minute - 1)
  await flood(source)
  let answer = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    server.set('/jwks', (request, response) => {
      answer = () => set(one, two)(request, response)
      resolve()
    })
  })
  clock.advance(1)
  await asked
  const waiting = verdict(source, '2')
  answer()
  assert.deepEqual([await waiting, server.hits('/jwks')], ['key', 3])
})

test('AS-8: a hundred tokens with a new kid share one fetch', async (t) => {
  const { server, source } = await started(t)
  let answer = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    server.set('/jwks', (request, response) => {
      answer = () => set(one, two)(request, response)
      resolve()
    })
  })
  const waiting = Array.from({ length: 100 }, () => verdict(source, '2'))
  await asked
  const late = verdict(source, '2')
  answer()
  assert.deepEqual([...new Set(await Promise.all([...waiting, late]))], ['key'])
  assert.equal(server.hits('/jwks'), 2)
})

test('attacks 2.6 row 11: during a flood of random kids a rotated key works within the interval, whatever the cooldown', async (t) => {
  const slow = { refresh: { ...refresh, cooldownMs: 24 * hour } }
  const { server, source, clock, events } = await started(t, { keys: slow, random: 0 })
  await flood(source)
  assert.equal(server.hits('/jwks'), 2)
  server.set('/jwks', set(two))
  for (let second = 0; second < 599; second++) {
    clock.advance(1_000)
    await flood(source, 5)
  }
  assert.equal(await verdict(source, '2'), 'key_unknown')
  clock.advance(1_000)
  await events.fetchCount(3)
  assert.deepEqual([await verdict(source, '2'), server.hits('/jwks')], ['key', 3])
})

test('attacks 2.6 row 11: what an unknown kid fetches does not put the scheduled refresh off', async (t) => {
  const { source, clock } = await started(t, { random: 0 })
  clock.advance(9 * minute)
  await flood(source)
  assert.deepEqual(clock.waiting(), [minute])
})

test('a fetch that an unknown kid caused and that failed brings the scheduled refresh forward', async (t) => {
  const { server, source, clock, events } = await started(t)
  server.set('/jwks', status(500))
  await flood(source)
  assert.deepEqual(clock.waiting().map(Math.round), [minute])
  server.set('/jwks', set(one))
  clock.advance(minute)
  await events.fetchCount(3)
  assert.equal(source.state, 'fresh')
})

test('attacks 1.10: an unknown kid does not take the known keys away while it is looked for', async (t) => {
  const { server, source } = await started(t)
  server.set('/jwks', silence)
  void source.resolve({ alg: 'ES256', kid: 'unknown' }, 0)
  assert.equal(await verdict(source, '1'), 'key')
  assert.equal(source.state, 'fresh')
})

test('AS-8: one client with a retired kid does not use up the fetches that a rotation needs', async (t) => {
  const { server, source, clock } = await started(t)
  await verdict(source, 'retired')
  clock.advance(30_000)
  await verdict(source, 'retired')
  assert.equal(server.hits('/jwks'), 3)
  clock.advance(30_000)
  assert.equal(await verdict(source, 'retired'), 'key_unknown')
  assert.equal(server.hits('/jwks'), 3)
  server.set('/jwks', set(one, two))
  assert.equal(await verdict(source, '2'), 'key')
})

test('AS-10, AS-12: in an outage known keys work until max_stale, then nothing does, then all is well again', async (t) => {
  const { server, source, clock, events } = await started(t)
  const { generation } = source
  server.set('/jwks', status(503))
  const end = clock.now() + 24 * hour
  let fetches = 1
  while (clock.now() < end - 1) {
    const [next = Number.NaN] = clock.waiting()
    if (clock.now() + next >= end) clock.advance(end - 1 - clock.now())
    else {
      clock.advance(next)
      fetches += 1
      await events.fetchCount(fetches)
    }
    assert.equal(await verdict(source, '1'), 'key')
  }
  assert.deepEqual([source.state, source.generation], ['stale', generation])
  assert.equal(server.hits('/jwks'), fetches)
  assert.ok(fetches > 288 && fetches < 300, String(fetches))

  clock.advance(1)
  assert.deepEqual([source.state, source.generation, source.report().keys], ['expired', generation + 1, 0])
  assert.equal(await verdict(source, '1'), 'keys_unavailable')
  assert.equal(await verdict(source, undefined), 'keys_unavailable')
  await events.fetchCount(fetches + 1)

  server.set('/jwks', set(one))
  clock.advance(clock.waiting()[0] ?? 0)
  await events.fetchCount(fetches + 2)
  assert.deepEqual([source.state, await verdict(source, '1')], ['fresh', 'key'])
  assert.notEqual(source.generation, generation)
})

test('AS-10: keys expire by their age when they are asked for, even if every timer slept, and are fetched soon', async (t) => {
  const { source, clock, events } = await started(t)
  const { now } = clock
  Object.assign(clock, { now: () => now() + 24 * hour })
  assert.equal(await verdict(source, '1'), 'keys_unavailable')
  assert.equal(source.state, 'expired')
  clock.advance(1_000)
  await events.fetchCount(2)
  assert.deepEqual([source.state, await verdict(source, '1')], ['fresh', 'key'])
})

test('AS-10: max_stale of zero keeps keys for one interval and no longer', async (t) => {
  const { server, source, clock } = await started(t, { keys: { refresh: { ...refresh, maxStaleMs: 0 } } })
  server.set('/jwks', status(500))
  clock.advance(10 * minute - 1)
  assert.equal(await verdict(source, '1'), 'key')
  clock.advance(1)
  assert.equal(source.state, 'expired')
})

test('AS-11: a key that was removed stops working with the next refresh, and the generation changes', async (t) => {
  const { server, source, clock, events } = await started(t, { first: set(one, two) })
  const { generation } = source
  server.set('/jwks', set(two))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.deepEqual([await verdict(source, '1'), await verdict(source, '2')], ['key_unknown', 'key'])
  assert.equal(source.generation, generation + 1)
})

test('a refresh that brings the same keys keeps the generation, so that no token cache is emptied for it', async (t) => {
  const { server, source, clock, events } = await started(t, { first: set(one, two) })
  const { generation } = source
  server.set('/jwks', set({ ...two, x5t: 'AAAA' }, one))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.deepEqual([source.generation, source.report().lastSuccess], [generation, Math.floor(clock.now() / 1000)])
})

test('an endpoint with entity tags is asked for changes only', async (t) => {
  const { server, source, clock, events } = await prepare(t, {
    first: (request, response) => {
      if (request.headers['if-none-match'] === '"1"') response.writeHead(304).end()
      else json({ keys: [one] }, { etag: '"1"' })(request, response)
    },
  })
  await source.started
  clock.advance(10 * minute)
  await events.fetchCount(2)
  server.set('/jwks', json({ keys: [two] }, { etag: '"2"' }))
  assert.deepEqual([source.state, await verdict(source, '1')], ['fresh', 'key'])
  assert.equal(await verdict(source, '2'), 'key')
  assert.deepEqual(events.fetches, ['ok', 'not_modified', 'ok'])
})

test('max-age of the answer brings the next refresh forward', async (t) => {
  const { clock } = await started(t, { first: json({ keys: [one] }, { 'cache-control': 'max-age=120' }), random: 0 })
  assert.deepEqual(clock.waiting(), [2 * minute])
})

test('JO-9: a kid of 257 characters is not looked up and causes no fetch; no odd kid is anything but unknown', async (t) => {
  const { server, source, events } = await started(t)
  const long = source.resolve({ alg: 'ES256', kid: 'k'.repeat(257) }, 0)
  assert.ok(!(long instanceof Promise) && !long.ok && long.refusal.reason === 'key_unknown')
  assert.deepEqual([server.hits('/jwks'), events.unknownKids], [1, 0])
  const odd = [
    '../../etc/passwd',
    "' OR 1",
    `${server.origin}/good`,
    '__proto__',
    'constructor',
    'a\r\nb',
    '\u001b[31m',
    '',
  ]
  for (const kid of odd) assert.equal(await verdict(source, kid), 'key_unknown')
  assert.deepEqual([server.hits('/jwks'), server.allHits()], [2, 2])
})

test('JO-9: the fault of an unknown kid shows it short and without control characters', async (t) => {
  const { source } = await started(t)
  const outcome = await source.resolve({ alg: 'ES256', kid: `a\r\n\u001b${'x'.repeat(200)}` }, 0)
  assert.ok(!outcome.ok && outcome.refusal.reason === 'key_unknown')
  assert.equal(outcome.refusal.fault, `no key has the kid "a???${'x'.repeat(60)}"`)
})

test('JO-5, AS-13: a known kid with another algorithm, or no kid where two keys fit, is 401 and causes no fetch', async (t) => {
  const { server, source } = await started(t, { first: set(one, two) })
  assert.equal(await verdict(source, '1', 'RS256'), 'key_unknown')
  assert.equal(await verdict(source, undefined), 'key_unknown')
  assert.equal(await verdict(source, undefined, 'RS256'), 'key_unknown')
  assert.equal(server.hits('/jwks'), 1)
})

test('JO-7: what is dropped from a set is reported once, not at every refresh', async (t) => {
  const { clock, events } = await started(t, { first: set(one, { kty: 'oct', kid: 'secret' }) })
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.equal(events.dropped.length, 1)
  assert.match(events.dropped[0] ?? '', /^secret: .*symmetric/)
})

test('AS-5: a jwks_uri that must not be asked is not asked', async (t) => {
  const { source, events } = startSource(t, { kind: 'jwks_uri', url: 'http://as.example.com/jwks' })
  await source.started
  assert.deepEqual([source.state, events.fetches], ['cold', ['parse']])
})

test('closing ends a fetch in flight at once and arms no timer again', async (t) => {
  const { source, clock, events } = await prepare(t, {
    first: silence,
    keys: { refresh: { ...refresh, timeoutMs: 60_000 } },
  })
  const waiting = verdict(source, '1')
  await source.close()
  await source.started
  assert.equal(await waiting, 'keys_unavailable')
  assert.deepEqual([clock.waiting(), events.fetches], [[], []])
})

test('closing calls the next refresh off, and nothing arms another', async (t) => {
  const { source, clock } = await started(t)
  assert.equal(clock.waiting().length, 1)
  await source.close()
  assert.deepEqual(clock.waiting(), [])
  clock.advance(25 * hour)
  assert.deepEqual([source.state, clock.waiting()], ['expired', []])
})

test('the report says what an operator needs and holds no key material', async (t) => {
  const { server, source, clock, events } = await started(t)
  const { lastSuccess } = source.report()
  assert.equal(lastSuccess, Math.floor(clock.now() / 1000))
  server.set('/jwks', status(500))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.deepEqual(source.report(), {
    state: 'stale',
    keys: 1,
    lastSuccess,
    lastError: `${server.url('/jwks')}: answered 500`,
    jwksUri: server.url('/jwks'),
  })
  assert.deepEqual(events.reports.at(-1), source.report())
})
