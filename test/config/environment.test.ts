import assert from 'node:assert/strict'
import { test } from 'node:test'
import { expand } from '../../src/config/environment.ts'

const env = { NAME: 'value', EMPTY: '', NESTED: '${NAME}', PATTERN: "$& $1 $'" }

const good: readonly (readonly [string, string])[] = [
  ['${NAME}', 'value'],
  ['a${NAME}b${NAME}c', 'avaluebvaluec'],
  ['${EMPTY}', ''],
  ['${EMPTY:-default}', 'default'],
  ['${UNSET:-default}', 'default'],
  ['${UNSET:-}', ''],
  ['${UNSET:-a:-b}', 'a:-b'],
  ['${NAME:-default}', 'value'],
  ['$', '$'],
  ['$NAME', '$NAME'],
  ['costs $5', 'costs $5'],
  ['$$', '$$'],
  ['${NESTED}', '${NAME}'],
  ['${PATTERN}', "$& $1 $'"],
]

for (const [text, expected] of good) {
  test(`attacks 2.8 row 8: ${text} becomes ${JSON.stringify(expected)}, and is not looked at again`, () => {
    assert.deepEqual(expand(text, env), { text: expected, faults: [] })
  })
}

for (const text of ['${UNSET}', '${__proto__}', '${constructor}', '${toString}']) {
  test(`attacks 2.8 row 8: ${text} is not set, whatever a prototype holds`, () => {
    assert.match(expand(text, env).faults[0] ?? '', /is not set in the environment/)
  })
}

for (const text of ['${', '${NAME', '${}', '${a b}', '${1A}', '${NAME-x}', '${A:-${B}}']) {
  test(`${text} is malformed, and nothing is guessed`, () => {
    assert.equal(expand(text, env).faults.length, 1)
  })
}

test('every unset name of a text is reported', () => {
  assert.equal(expand('${ONE}${TWO}', env).faults.length, 2)
})
