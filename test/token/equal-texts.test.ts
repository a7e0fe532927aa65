import assert from 'node:assert/strict'
import { test } from 'node:test'
import { equalTexts } from '../../src/token/equal-texts.ts'

test('JO-29: texts are equal when every byte is; another length, a prefix or another spelling is no match and no error', () => {
  const cases: readonly (readonly [string, string, boolean])[] = [
    ['', '', true],
    ['abc', 'abc', true],
    ['abc', 'abd', false],
    ['abc', 'ab', false],
    ['ab', 'abc', false],
    ['', 'a', false],
    ['abc', 'ABC', false],
    // As many characters, more bytes.
    ['a', 'ä', false],
    ['ä', 'a\u0308', false],
  ]
  for (const [left, right, same] of cases) assert.equal(equalTexts(left, right), same, `${left} ${right}`)
})
