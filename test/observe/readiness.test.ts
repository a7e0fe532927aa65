import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createReadiness, type IssuerState, type Readiness } from '../../src/observe/readiness.ts'

const setUp = (keys: 'all' | 'any' | 'none', issuers: readonly string[] = ['a', 'b']) => {
  const clock = { now: 5000 }
  return { clock, readiness: createReadiness({ keys, maxWaitMs: 60_000, issuers, now: () => clock.now }) }
}
const ok = (readiness: Readiness): boolean => readiness.report().ok

const rules: readonly ['all' | 'any' | 'none', readonly [string, IssuerState][], boolean][] = [
  ['all', [], false],
  ['all', [['a', 'fresh']], false],
  [
    'all',
    [
      ['a', 'fresh'],
      ['a', 'stale'],
    ],
    false,
  ],
  [
    'all',
    [
      ['a', 'fresh'],
      ['b', 'cold'],
    ],
    false,
  ],
  [
    'all',
    [
      ['a', 'fresh'],
      ['b', 'fresh'],
    ],
    true,
  ],
  [
    'all',
    [
      ['a', 'fresh'],
      ['b', 'stale'],
    ],
    true,
  ],
  [
    'all',
    [
      ['a', 'fresh'],
      ['nobody', 'fresh'],
    ],
    false,
  ],
  ['any', [], false],
  ['any', [['a', 'cold']], false],
  ['any', [['nobody', 'fresh']], false],
  ['any', [['b', 'fresh']], true],
  ['none', [], true],
]
for (const [keys, states, expected] of rules) {
  const told = states.map(([name, state]) => `${name} ${state}`).join(', ') || 'nothing'
  test(`OP-10: with readiness.keys ${keys}, after ${told}, it is ${expected ? '' : 'not '}ready`, () => {
    const { readiness } = setUp(keys)
    for (const [name, state] of states) readiness.issuerState(name, state)
    assert.equal(ok(readiness), expected)
  })
}

test('OP-10: without issuers there is nothing to wait for', () => {
  assert.equal(ok(setUp('all', []).readiness), true)
  assert.equal(ok(setUp('any', []).readiness), true)
})

test('Cold-start rule: after max_wait it is ready all the same, and says what is missing', () => {
  const { clock, readiness } = setUp('all')
  readiness.issuerState('a', 'fresh')
  clock.now += 59_999
  assert.deepEqual(readiness.report(), {
    ok: false,
    reasons: ['issuer b: no keys yet'],
    issuers: [
      { name: 'a', state: 'fresh' },
      { name: 'b', state: 'cold' },
    ],
  })
  clock.now += 1
  assert.equal(ok(readiness), true)
  assert.deepEqual(readiness.report().reasons, ['issuer b: no keys yet'])
})

test('OP-10: once ready it stays ready, whatever the issuers do', () => {
  const { readiness } = setUp('all')
  readiness.issuerState('a', 'fresh')
  readiness.issuerState('b', 'fresh')
  readiness.issuerState('a', 'expired')
  readiness.issuerState('b', 'cold')
  assert.equal(ok(readiness), true)
  assert.deepEqual(
    readiness.report().issuers.map(({ state }) => state),
    ['expired', 'cold'],
  )
})

test('OP-10: a success counts though nobody asked at the time', () => {
  const { readiness } = setUp('any')
  readiness.issuerState('a', 'fresh')
  readiness.issuerState('a', 'cold')
  assert.equal(ok(readiness), true)
})

test('Draining is not ready, whatever comes after', () => {
  const { clock, readiness } = setUp('none')
  readiness.drain()
  readiness.issuerState('a', 'fresh')
  clock.now += 100_000
  assert.equal(ok(readiness), false)
  assert.equal(readiness.report().reasons[0], 'draining')
})

test('OP-10: who is ready stays so, whatever issuers a reload brings', () => {
  const { readiness } = setUp('all')
  for (const name of ['a', 'b']) readiness.issuerState(name, 'fresh')
  // Nobody has asked before.
  readiness.follow(
    new Map([
      ['a', 'fresh'],
      ['new', 'cold'],
    ] as const),
  )
  assert.ok(ok(readiness))
  assert.deepEqual(readiness.report().reasons, ['issuer new: no keys yet'])
  assert.deepEqual(readiness.report().issuers, [
    { name: 'a', state: 'fresh' },
    { name: 'new', state: 'cold' },
  ])
})

test('OP-10: who is not ready yet waits for the issuers that a reload has left or brought, and no longer than before', () => {
  const { clock, readiness } = setUp('all')
  readiness.issuerState('a', 'fresh')
  readiness.follow(
    new Map([
      ['a', 'cold'],
      ['c', 'cold'],
    ] as const),
  )
  assert.ok(!ok(readiness))
  readiness.issuerState('b', 'fresh')
  readiness.issuerState('c', 'fresh')
  assert.ok(!ok(readiness), 'a is another one of that name')
  clock.now += 60_000
  assert.ok(ok(readiness))
  const { readiness: other } = setUp('all')
  other.issuerState('a', 'fresh')
  other.follow(new Map([['a', 'fresh']] as const))
  assert.ok(ok(other), 'nobody waits for b any more')
})
