import assert from 'node:assert/strict'
import { test } from 'node:test'
import { getHeapSpaceStatistics } from 'node:v8'
import { giveBack } from '../../src/config/reclaim.ts'

/** What the youngest objects have, in bytes: a usual collection leaves it as it is. */
const young = (): number =>
  getHeapSpaceStatistics().find(({ space_name }) => space_name === 'new_space')?.space_size ?? 0

test('operations 2.2: what a start leaves behind is given back to the system', () => {
  let held: string[] = []
  for (let index = 0; index < 300_000; index++) held.push(`${index} of many`)
  const before = { young: young(), total: process.memoryUsage().heapTotal }
  held = []
  giveBack()
  assert.ok(young() < before.young / 2, `${young()} of ${before.young}`)
  assert.ok(process.memoryUsage().heapTotal < before.total)
})
