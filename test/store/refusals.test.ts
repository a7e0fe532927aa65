import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRefusals } from '../../src/store/refusals.ts'

const create = () => {
  const time = { now: 5000 }
  const said: string[] = []
  const refusals = createRefusals(
    () => time.now,
    (op, why) => void said.push(`${op} ${why}`),
  )
  return { time, said, refusals }
}

test('a refusal is told once, another one again, and each operation for itself', () => {
  const { said, refusals } = create()
  for (let call = 0; call < 5; call++) refusals.refused('set', 'OOM')
  refusals.refused('put_if_absent', 'OOM')
  for (let call = 0; call < 5; call++) refusals.refused('set', 'NOPERM')
  assert.deepEqual(said, ['set OOM', 'put_if_absent OOM', 'set NOPERM'])
})

test('who refuses every other call is told of once, and of its end when it was calm for ten seconds', () => {
  const { time, said, refusals } = create()
  refusals.taken('set')
  for (let call = 0; call < 50; call++) {
    refusals.refused('set', 'OOM')
    time.now += 9999
    refusals.taken('set')
  }
  assert.deepEqual(said, ['set OOM'])
  time.now += 1
  refusals.taken('get')
  refusals.taken('set')
  refusals.taken('set')
  assert.deepEqual(said, ['set OOM', 'set undefined'])
  refusals.refused('set', 'OOM')
  assert.equal(said.length, 3)
})
