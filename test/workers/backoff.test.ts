import assert from 'node:assert/strict'
import { test } from 'node:test'
import { backoffMs } from '../../src/workers/backoff.ts'

test('a worker that ends at once is started again after twice the time, up to half a minute', () => {
  assert.deepEqual(
    [0, 1, 2, 3, 4, 5, 6, 7, 8, 9, 1000, 100_000].map(backoffMs),
    [250, 250, 500, 1000, 2000, 4000, 8000, 16_000, 30_000, 30_000, 30_000, 30_000],
  )
})
