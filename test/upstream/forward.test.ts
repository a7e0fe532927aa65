import assert from 'node:assert/strict'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import fc from 'fast-check'
import type { Refusal } from '../../src/decision/refusal.ts'
import { createForwarder, upstreamPath } from '../../src/upstream/forward.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { startUpstream } from '../support/upstream.ts'
import { get, poolOf, quiet, upstreamOf } from './pool-setup.ts'

test('RT-13, UR-20: base path and suffix meet at exactly one slash', () => {
  for (const [base, suffix, path] of [
    ['', '', '/'],
    ['', '/', '/'],
    ['', '/a', '/a'],
    ['/v1', '', '/v1'],
    ['/v1', '/', '/v1/'],
    ['/v1', '/a/', '/v1/a/'],
    ['/v1/', '', '/v1/'],
    ['/v1/', '/', '/v1/'],
    ['/v1/', '/a', '/v1/a'],
    ['/', '', '/'],
    ['/', '/a', '/a'],
  ] as const) {
    assert.equal(upstreamPath(base, suffix), path, `${base} + ${suffix}`)
  }
})

test('RT-13, UR-20: canonical parts make a canonical path: no empty segment is born, and the base stays', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b%20c', '...', '~'), { maxLength: 4 })
    .map((parts) => parts.map((part) => `/${part}`).join(''))
  fc.assert(
    fc.property(path, fc.boolean(), path, fc.boolean(), (base, slash, suffix, trailing) => {
      const made = upstreamPath(slash ? `${base}/` : base, trailing ? `${suffix}/` : suffix)
      assert.ok(made.startsWith(base) && made.startsWith('/'))
      assert.doesNotMatch(made, /\/\//)
    }),
  )
})

/** Two replicas with one connection each, of which the second one is busy, and a GET that waits for it after it failed. */
const startRepeated = async (t: TestContext) => {
  const waiting: ServerResponse[] = []
  let now = 0
  const [first, second] = await Promise.all([
    startUpstream(t, (_, response) => {
      now += 500
      response.destroy()
    }),
    startUpstream(t, (_, response) => void waiting.push(response)),
  ])
  const clock = createManualClock()
  const options = upstreamOf([first.url, second.url], {
    pool: { connections: 1, queue: 9 },
    timeouts: { connectMs: 5000, responseMs: 3000, idleMs: 5000 },
    retries: 1,
  })
  const pool = poolOf(t, options, { ...quiet, after: clock.after })
  await get(pool).told
  const busy = get(pool)
  await eventually('it is busy', () => waiting.length === 1)
  const headers = { request: () => ['Host', 'a'], response: () => [] }
  const forwarder = createForwarder([{ options, pool }], headers, undefined as never, () => now)
  const refusals: Refusal[] = []
  const front = createServer((request, response) => {
    const exchange = {
      ...{ request, response, hasBody: false, query: '', trace: [], hop: { requestId: 'id-1' }, bodySize: 0 },
      onRefused: (refusal: Refusal) => {
        refusals.push(refusal)
        response.end()
      },
    }
    forwarder.forward({ match: { resource: { index: 0 }, suffix: '/again' } } as never, exchange as never)
  })
  await new Promise<void>((resolve) => front.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    front.closeAllConnections()
    front.close()
  })
  const answer = fetch(`http://127.0.0.1:${(front.address() as AddressInfo).port}/`)
  await eventually('it waits', () => first.seen.length === 2 && clock.waiting().length === 1)
  const targets = (): readonly string[] => second.seen.map(({ target }) => target)
  const pass = (ms: number): void => {
    now += ms
  }
  const toSecond = () => get(pool, '/free', { tried: options.replicas.slice(0, 1), elsewhere: true }).told
  return { clock, pass, refusals, answer, targets, busy, waiting, toSecond }
}

const lost = [{ reason: 'upstream_invalid', fault: 'closed the connection before it had answered' }]

test('HS-16: a request that is to be sent again waits for its turn no longer than for an answer in all', async (t) => {
  const { clock, pass, refusals, answer, targets } = await startRepeated(t)
  assert.deepEqual(clock.waiting(), [2500])
  pass(2500)
  clock.advance(2500)
  await answer
  assert.deepEqual(refusals, lost)
  assert.deepEqual(targets(), ['/'])
})

test('HS-16: a request that is to be sent again is not, when its time is over as its turn comes', async (t) => {
  const { pass, refusals, answer, targets, busy, waiting, toSecond } = await startRepeated(t)
  pass(2500)
  waiting[0]?.end('ok')
  assert.equal((await busy.told).status, 200)
  await answer
  assert.deepEqual(refusals, lost)
  assert.deepEqual(targets(), ['/'])
  // The connection that it did not want is there for others.
  const next = toSecond()
  await eventually('it has come', () => targets().length === 2)
  waiting[1]?.end('ok')
  assert.equal((await next).status, 200)
})
