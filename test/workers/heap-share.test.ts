import assert from 'node:assert/strict'
import { test } from 'node:test'
import { heapShare } from '../../src/workers/heap-share.ts'

for (const [what, flags, environment, workers, expected] of [
  ['no flag', ['--import', 'tsx'], undefined, 4, ['--import', 'tsx']],
  ['a size in MiB', ['--max-old-space-size=100'], undefined, 4, ['--max-old-space-size=100']],
  [
    'a percentage',
    ['--max-old-space-size-percentage=60', '--enable-source-maps'],
    undefined,
    4,
    ['--max-old-space-size-percentage=60', '--enable-source-maps', '--max-old-space-size-percentage=12'],
  ],
  [
    'a percentage behind its flag',
    ['--max-old-space-size-percentage', '60'],
    undefined,
    8,
    ['--max-old-space-size-percentage', '60', '--max-old-space-size-percentage=6.67'],
  ],
  [
    'underscores',
    ['--max_old_space_size_percentage=50'],
    undefined,
    2,
    ['--max_old_space_size_percentage=50', '--max-old-space-size-percentage=16.67'],
  ],
  [
    'the environment',
    [],
    '--enable-source-maps --max-old-space-size-percentage=90',
    3,
    ['--max-old-space-size-percentage=22.5'],
  ],
  [
    'both: the flag counts',
    ['--max-old-space-size-percentage=60'],
    '--max-old-space-size-percentage=90',
    3,
    ['--max-old-space-size-percentage=60', '--max-old-space-size-percentage=15'],
  ],
  ['nonsense', ['--max-old-space-size-percentage=x'], undefined, 3, ['--max-old-space-size-percentage=x']],
] as const) {
  test(`OP-5: with ${what} ${workers} workers and their supervisor have together the heap of one`, () => {
    assert.deepEqual(heapShare(flags, environment, workers), expected)
  })
}
