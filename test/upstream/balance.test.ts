import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { type Choosable, type Chosen, createBalance } from '../../src/upstream/balance.ts'
import { replicaAt } from './pool-setup.ts'

interface Seat extends Choosable {
  state: { busy: number; healthy: boolean; out: boolean }
}

const seat = (name: string, state: Partial<Seat['state']> = {}): Seat => {
  const own = { busy: 0, healthy: true, out: false, ...state }
  return {
    replica: replicaAt(`http://${name}`),
    state: own,
    busy: () => own.busy,
    healthy: () => own.healthy,
    out: () => own.out,
  }
}

const nameOf = (chosen: Chosen<Seat>): string => (typeof chosen === 'string' ? chosen : chosen.replica.authority)

test('round_robin: each replica in turn, whatever it has in flight', () => {
  const choose = createBalance([seat('a', { busy: 7 }), seat('b'), seat('c')], 'round_robin', 8)
  assert.equal(Array.from({ length: 7 }, () => nameOf(choose({ tried: [] }))).join(''), 'abcabca')
})

test('least_pending: the fewest in flight first, and those that have as many in turn', () => {
  const seats = [seat('a', { busy: 2 }), seat('b'), seat('c')]
  const choose = createBalance(seats, 'least_pending', 8)
  const chosen = Array.from({ length: 7 }, () => {
    const one = choose({ tried: [] })
    if (typeof one !== 'string') one.state.busy++
    return nameOf(one)
  })
  assert.equal(chosen.join(''), 'bcbcabc')
})

test('a busy replica loses its turn; when all are busy it is `full`', () => {
  for (const balance of ['round_robin', 'least_pending'] as const) {
    const seats = [seat('a', { busy: 2 }), seat('b'), seat('c', { busy: 2 })] as const
    const choose = createBalance(seats, balance, 2)
    assert.deepEqual([choose({ tried: [] }), choose({ tried: [] })].map(nameOf), ['b', 'b'])
    seats[1].state.busy = 2
    assert.equal(choose({ tried: [] }), 'full')
  }
})

test('unhealthy and ejected replicas are left out; ejected ones come back when they are all there is', () => {
  for (const [states, expected] of [
    [[{ healthy: false }, {}, {}], 'bcb'],
    [[{ out: true }, {}, { healthy: false }], 'bbb'],
    [[{ out: true }, { out: true }, { out: true }], 'abc'],
    [[{ out: true }, { healthy: false }, { healthy: false }], 'aaa'],
    [[{ healthy: false, out: true }, { out: true }, { healthy: false }], 'bbb'],
  ] as const) {
    const choose = createBalance(
      states.map((state, i) => seat('abc'.charAt(i), state)),
      'round_robin',
      2,
    )
    assert.equal([1, 2, 3].map(() => nameOf(choose({ tried: [] }))).join(''), expected, JSON.stringify(states))
  }
})

test('without a healthy replica it is `none`, also when the unhealthy ones are busy', () => {
  for (const busy of [0, 2]) {
    const choose = createBalance([seat('a', { healthy: false, busy }), seat('b', { healthy: false })], 'round_robin', 2)
    assert.equal(choose({ tried: [] }), 'none')
  }
})

test('HS-16: a replica that was tried is avoided if another can be had, and is never had by who wants another', () => {
  const [a, b] = [seat('a'), seat('b')]
  const choose = createBalance([a, b], 'round_robin', 2)
  const again = (elsewhere: boolean): string => nameOf(choose({ tried: [a.replica], elsewhere }))
  assert.deepEqual([again(false), again(true)], ['b', 'b'])
  b.state.busy = 2
  assert.deepEqual([again(false), again(true)], ['full', 'full'])
  b.state.busy = 0
  b.state.out = true
  assert.deepEqual([again(false), again(true)], ['a', 'none'])
  b.state.out = false
  b.state.healthy = false
  assert.deepEqual([again(false), again(true)], ['a', 'none'])
  a.state.healthy = false
  assert.deepEqual([again(false), again(true)], ['none', 'none'])
})

test('whatever the state, what is chosen is healthy, has room, and is fair in the long run', () => {
  const state = fc.record({ busy: fc.nat({ max: 3 }), healthy: fc.boolean(), out: fc.boolean() })
  fc.assert(
    fc.property(fc.array(state, { minLength: 1, maxLength: 5 }), fc.boolean(), (states, least) => {
      const seats = states.map((one, i) => seat(`r${i}`, one))
      const choose = createBalance(seats, least ? 'least_pending' : 'round_robin', 3)
      const chosen = Array.from({ length: 60 }, () => choose({ tried: [] }))
      const first = chosen[0]
      if (first === undefined || typeof first === 'string') {
        assert.ok(chosen.every((one) => one === first))
        const healthy = seats.filter((one) => one.state.healthy)
        assert.equal(first === 'none', healthy.length === 0)
        return
      }
      const counts = new Map<Chosen<Seat>, number>()
      for (const one of chosen) counts.set(one, (counts.get(one) ?? 0) + 1)
      for (const one of counts.keys()) assert.ok(typeof one !== 'string' && one.state.healthy && one.state.busy < 3)
      assert.equal(new Set(counts.values()).size, 1)
    }),
  )
})
