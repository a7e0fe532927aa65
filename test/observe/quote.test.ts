import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { asciiLine, quote } from '../../src/observe/quote.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

test('A quoted string parses back to what it was, whatever it is', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary' }), (text) => {
      const quoted = quote(text, 100_000)
      assert.match(quoted, /^[\x20-\x7e]*$/)
      assert.equal(JSON.parse(quoted), text.toWellFormed())
    }),
  )
})

test('A quoted string is never longer than its limit and the mark', () => {
  fc.assert(
    fc.property(fc.string({ unit: 'binary', maxLength: 50 }), fc.integer({ min: 0, max: 60 }), (text, limit) => {
      const quoted = quote(text, limit)
      assert.ok(quoted.length <= limit + '"\\u2026"'.length)
      assert.equal(typeof JSON.parse(quoted), 'string')
    }),
  )
})

const lines: readonly [what: string, message: string, read: string][] = [
  ['U+2028', 'a\u2028b', 'a\u2028b'],
  ['C1 controls', 'a\u0085\u009b', 'a\u0085\u009b'],
  ['an emoji', '🎫', '🎫'],
  ['a lone surrogate', 'a\ud800b', 'a\ufffdb'],
  ['a backslash before "ud800"', 'a\\ud800', 'a\\ud800'],
  ['a token', 'got eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJhIn0.c2ln here', 'got [token] here'],
  ['a control before what then looks like a token', '\u000eyJhbGciOiJSUzI1NiJ9.x', '\u000eyJhbGciOiJSUzI1NiJ9.x'],
]
for (const [what, message, read] of lines) {
  test(`Attack 2.7 row 1: a line of pino with ${what} becomes ASCII and still parses`, () => {
    const line = asciiLine(`${JSON.stringify({ msg: message })}\n`)
    assert.match(line, /^[\x20-\x7e]+\n$/)
    assert.deepEqual(JSON.parse(line), { msg: read })
  })
}

test('attacks 2.6 row 20: a path of token beginnings costs no more than its length', () => {
  assertInProportion('eyJ', 20_000, (count) => {
    const beginnings = 'eyJ'.repeat(count)
    return () => [quote(beginnings, beginnings.length), asciiLine(beginnings)]
  })
})
