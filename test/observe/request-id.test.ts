import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestId } from '../../src/observe/request-id.ts'

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/

const cases: readonly [what: string, received: string | undefined, trusted: boolean, kept: boolean][] = [
  ['a well-formed one of a trusted proxy', 'req-1.2:3/4+5=6_7~8', true, true],
  ['one of 128 characters', 'x'.repeat(128), true, true],
  ['a well-formed one of a stranger', 'req-1', false, false],
  ['none', undefined, true, false],
  ['an empty one', '', true, false],
  ['one of 129 characters', 'x'.repeat(129), true, false],
  ['one of 8 kB', 'x'.repeat(8192), true, false],
  ['one with CR LF', 'a\r\nb', true, false],
  ['one that ends in LF', 'a\n', true, false],
  ['one with a quote', 'a"b', true, false],
  ['one with a space', 'a b', true, false],
  ['one with a letter beyond ASCII', 'é', true, false],
]
for (const [what, received, trusted, kept] of cases) {
  test(`Attack 2.7 row 8: ${what} is ${kept ? 'taken over' : 'replaced'}`, () => {
    const id = requestId(received, trusted)
    if (kept) assert.equal(id, received)
    else assert.match(id, uuid)
  })
}

test('Fresh ids differ', () => {
  const ids = new Set(Array.from({ length: 10_000 }, () => requestId(undefined, false)))
  assert.equal(ids.size, 10_000)
})
