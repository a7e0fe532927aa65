import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createStoreMetrics } from '../../src/observe/store-metrics.ts'

const shown = (family: ReturnType<typeof createStoreMetrics>['operations']): Readonly<Record<string, number>> =>
  Object.fromEntries(family.cells.map(({ labels, value }) => [labels, value]))

test('contract section 7: each operation on the store is counted by its result, from closed sets, and zeros are shown', () => {
  const { operations, storeEvents } = createStoreMetrics()
  const results = ['ok', 'timeout', 'error', 'skipped'] as const
  const expected: Record<string, number> = {}
  for (const op of ['put_if_absent', 'get', 'set'] as const) {
    for (const result of results) expected[`op="${op}",result="${result}"`] = 0
  }
  expected['op="put_if_absent",result="full"'] = 0
  assert.deepEqual(shown(operations), expected)
  for (const [at, result] of results.entries()) {
    for (let time = 0; time <= at; time++) storeEvents.operation('set', result)
    expected[`op="set",result="${result}"`] = at + 1
  }
  storeEvents.operation('put_if_absent', 'full')
  expected['op="put_if_absent",result="full"'] = 1
  assert.deepEqual(shown(operations), expected)
})

test('contract section 7: a decision without the store is counted by what was decided', () => {
  const { degradations, degraded } = createStoreMetrics()
  assert.deepEqual(shown(degradations), { 'op="replay",policy="closed"': 0, 'op="introspection",policy="miss"': 0 })
  degraded('replay', 'closed')
  degraded('introspection', 'miss')
  degraded('introspection', 'miss')
  assert.deepEqual(shown(degradations), { 'op="replay",policy="closed"': 1, 'op="introspection",policy="miss"': 2 })
})
