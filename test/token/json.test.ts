import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { MAX_JSON_DEPTH, readJsonObject } from '../../src/token/json.ts'
import { assertInProportion } from '../support/cost-ratio.ts'

const read = (text: string | Uint8Array) => readJsonObject(Buffer.from(text), 'claims')

const faultOf = (text: string | Uint8Array): string => {
  const outcome = read(text)
  assert.ok(!outcome.ok, 'must be refused')
  assert.equal(outcome.refusal.reason, 'token_malformed')
  return outcome.refusal.reason === 'token_malformed' ? outcome.refusal.fault : ''
}

test('JO-13: a member named twice is refused on every level and in every spelling', () => {
  const twice = [
    '{"aud":"a","aud":"b"}',
    '{"aud":"a","aud":"a"}',
    '{"aud":"a","\\u0061ud":"b"}',
    '{"\\u0061\\u0075\\u0064":"a","aud":"b"}',
    '{"a":1,"b":{"c":[{"d":1,"e":2,"d":3}]}}',
    '{"":1,"":2}',
    '{"__proto__":1,"__proto__":2}',
    '{"a\\"":1,"a\\u0022":2}',
    '{"a" : {"x":1} , "b" : [1,2] , "a" : 3}',
  ]
  for (const text of twice) assert.equal(faultOf(text), 'claims: a member is named twice', text)
})

test('JO-13: equal names on different levels, and equal values, are no repetition', () => {
  const fine = [
    '{"a":{"a":{"a":1}},"b":[{"a":1},{"a":1}]}',
    '{"a":["x","x"],"b":"x","c":"a"}',
    '{"a":"\\\\","b":"\\"","c":"{\\"a\\":1,\\"a\\":2}"}',
    '{"a":"b","b":"a","A":1}',
  ]
  for (const text of fine) assert.ok(read(text).ok, text)
})

test('JO-18: what is not one JSON object in UTF-8 is refused', () => {
  const bad: readonly (readonly [string, string | Uint8Array])[] = [
    ['nothing', ''],
    ['an array', '[{"a":1}]'],
    ['a string', '"a"'],
    ['a number', '5'],
    ['null', 'null'],
    ['a BOM', '\ufeff{"a":1}'],
    ['UTF-16LE', Buffer.from('{"a":1}', 'utf16le')],
    ['UTF-16BE', Buffer.from('{"a":1}', 'utf16le').swap16()],
    ['an invalid byte', Buffer.from('{"a":"\xff"}', 'latin1')],
    ['an overlong slash', Buffer.from('{"a":"\xc0\xaf"}', 'latin1')],
    ['an encoded surrogate', Buffer.from('{"a":"\xed\xa0\x80"}', 'latin1')],
    ['a truncated character', Buffer.from('{"a":"\xe2\x82"}', 'latin1')],
    ['a comment', '{"a":1/* */}'],
    ['a trailing comma', '{"a":1,}'],
    ['a single quote', "{'a':1}"],
    ['two documents', '{"a":1}{"b":2}'],
    ['an open string', '{"a":"'],
    ['an escape at the end', '{"a":"\\'],
    ['an unknown escape', '{"a":"\\x41"}'],
    ['a raw control character', '{"a":"\n"}'],
    ['a NUL after the end', '{"a":1}\0'],
    ['a closing bracket too many', '{"a":1}]'],
  ]
  for (const [name, text] of bad) assert.match(faultOf(text), /^claims: not (JSON in UTF-8|a JSON object)$/, name)
})

test('JO-18: a lone surrogate is refused in names and values, a pair passes', () => {
  for (const text of ['{"a":"\\ud800"}', '{"a":"\\udc00\\ud800"}', '{"\\ud800":1}', '{"a":["x\\uDBFFy"]}']) {
    assert.equal(faultOf(text), 'claims: a lone surrogate', text)
  }
  const pair = read('{"a":"\\ud83d\\ude00"}')
  assert.ok(pair.ok)
  assert.equal(pair.value.a, '😀')
})

test(`JO-20: ${MAX_JSON_DEPTH} levels pass, one more does not`, () => {
  const arrays = (levels: number) => `{"a":${'['.repeat(levels - 1)}${']'.repeat(levels - 1)}}`
  const objects = (levels: number) => '{"a":'.repeat(levels) + 1 + '}'.repeat(levels)
  for (const nested of [arrays, objects]) {
    assert.ok(read(nested(MAX_JSON_DEPTH)).ok)
    assert.equal(faultOf(nested(MAX_JSON_DEPTH + 1)), 'claims: nested too deeply')
  }
})

test('JO-20: what is 100,000 deep is refused, open or closed, and costs no more than its depth', () => {
  const hostile: readonly ((levels: number) => string)[] = [
    (levels) => `{"a":${'['.repeat(levels)}`,
    (levels) => `{"a":${'['.repeat(levels)}${']'.repeat(levels)}}`,
    (levels) => '{"a":'.repeat(levels),
  ]
  for (const make of hostile) {
    assertInProportion(make(2), 100_000, (levels) => {
      const text = make(levels)
      return () => assert.equal(faultOf(text), 'claims: nested too deeply')
    })
  }
})

test('JO-20: reading costs time in proportion to the length, whatever the text', () => {
  const long: readonly ((count: number) => string)[] = [
    (count) => `{"a":"${'\\\\'.repeat(count)}"}`,
    (count) => `{"a":"${'\\"'.repeat(count)}"}`,
    (count) => `{${Array.from({ length: count }, (_, at) => `"${at}":0`).join()}}`,
    (count) => `{"a":[${'"",'.repeat(count)}""]}`,
  ]
  for (const make of long) {
    assertInProportion(make(2), 8192, (count) => {
      const text = make(count)
      return () => assert.ok(read(text).ok)
    })
  }
})

test('JO-28: __proto__ and constructor are names like any other, and reach no prototype', () => {
  const outcome = read('{"__proto__":{"scope":"admin"},"constructor":{"prototype":{"scope":"admin"}}}')
  assert.ok(outcome.ok)
  assert.deepEqual(Object.keys(outcome.value), ['__proto__', 'constructor'])
  assert.equal(outcome.value.scope, undefined)
  assert.equal(outcome.value.toString, undefined)
  assert.equal(({} as Record<string, unknown>).scope, undefined)
})

test('every JSON object of moderate depth is read as JSON.parse reads it, pretty-printed too', () => {
  fc.assert(
    fc.property(
      fc.dictionary(fc.string({ unit: 'grapheme' }), fc.jsonValue({ maxDepth: 4 })),
      fc.nat(4),
      (object, indent) => {
        const text = JSON.stringify(object, undefined, indent)
        const outcome = read(text)
        assert.ok(outcome.ok)
        assert.equal(JSON.stringify(outcome.value), JSON.stringify(JSON.parse(text)))
      },
    ),
    { numRuns: 300 },
  )
})

test('no text and no bytes make it throw', () => {
  fc.assert(fc.property(fc.uint8Array({ maxLength: 200 }), (bytes) => typeof read(bytes).ok === 'boolean'))
  const pieces = fc.constantFrom('{', '}', '[', ']', '"', '\\', ',', ':', 'a', '\\u0061', '1', ' ', 'null')
  fc.assert(
    fc.property(fc.array(pieces, { maxLength: 30 }), (parts) => {
      const text = parts.join('')
      // Never more lenient than JSON.parse.
      if (read(text).ok) assert.equal(typeof JSON.parse(text), 'object')
    }),
    { numRuns: 2000 },
  )
})
