import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseConfig } from '../../src/config/load.ts'
import { threadMs } from './thread-ms.ts'

const messagesOf = (text: string): readonly string[] => {
  const loaded = parseConfig(text, 'audgate.yaml', { env: {} })
  return loaded.ok ? [] : loaded.problems.map(({ message }) => message)
}

/** `[a, b, …]` of so many lines. */
const lines = (count: number, line: (index: number) => string): string =>
  Array.from({ length: count }, (_, index) => line(index)).join('\n')

const nine = 'abcdefghi'.split('')

for (const [name, text, expected] of [
  [
    'nine levels of nine aliases',
    lines(9, (i) => `${nine[i]}: &${nine[i]} [${nine.map(() => (i ? `*${nine[i - 1]}` : 'x'))}]`),
    /aliases repeat too much/,
  ],
  ['50,000 aliases of one value', `a:\n  - &x 1\n${lines(50_000, () => '  - *x')}`, /aliases repeat too much/],
  ['an alias to what it stands in', 'a: &a [*a]', /an alias to what it stands in/],
  ['20,000 nested lists', `a: ${'['.repeat(20_000)}${']'.repeat(20_000)}`, /nested too deeply/],
  ['400 nested maps', lines(400, (i) => `${' '.repeat(i)}a:`), /nested too deeply/],
  ['3,000 open brackets', `a: ${'[{'.repeat(3_000)}`, /nested too deeply|wrong indentation/],
  ['20,000 unknown keys in one map', lines(20_000, (i) => `k${i}: 1`), /unknown key/],
  ['20,000 keys that are all the same', lines(20_000, () => 'k: 1'), /duplicate key/],
  ['a scalar of 8 MB', `a: ${'x'.repeat(8_000_000)}`, /unknown key/],
] as const) {
  test(`attacks 2.6 row 22: ${name} is refused within 3 s of work`, () => {
    let messages: readonly string[] = []
    const ms = threadMs(() => {
      messages = messagesOf(text)
    })
    assert.ok(
      messages.some((message) => expected.test(message)),
      messages.slice(0, 3).join('; '),
    )
    assert.ok(ms < 3_000, `${ms} ms`)
  })
}

test('every duplicate key is found in one linear pass, and a hundred of them are told', () => {
  const messages = (count: number) => messagesOf(`issuers: {}\nupstreams: {}\n${lines(count, () => 'issuers: {}')}`)
  assert.equal(messages(100).length, 100)
  assert.ok(!messages(100).includes('… and more'))
  assert.deepEqual([messages(101).length, messages(500).length], [101, 101])
  assert.equal(messages(101).at(-1), '… and more')
})

for (const [what, text] of [
  ['mistakes in the syntax', lines(5000, () => '"a" b: c')],
  ['mistakes in the syntax on one line', `a: [${'"x" y, '.repeat(50_000)}]`],
  ['unknown keys', lines(5000, (i) => `k${i}: 1`)],
] as const) {
  test(`many ${what} are a hundred problems at most, of at most 300 kB, found in 3 s of work`, () => {
    let told = ''
    const ms = threadMs(() => {
      const loaded = parseConfig(text, 'audgate.yaml', { env: {} })
      assert.ok(!loaded.ok)
      assert.ok(loaded.problems.length <= 101)
      told = JSON.stringify(loaded.problems)
    })
    assert.ok(told.length < 300_000, `${told.length}`)
    assert.ok(ms < 3000, `${ms} ms`)
  })
}

for (const key of ['__proto__', 'constructor', 'prototype']) {
  test(`attacks lesson 9: the key ${key} is refused, and reaches no prototype`, () => {
    assert.deepEqual(messagesOf(`issuers: {}\nupstreams: {}\n${key}: { polluted: true }`), [
      `\`${key}\` cannot be used as a key`,
    ])
    assert.equal(Reflect.get({}, 'polluted'), undefined)
  })
}

for (const [name, text] of [
  ['a control character', 'issuers: {}\nupstreams: {}\u0007\n'],
  ['a C1 control character', 'issuers: {}\nupstreams: {}\u0090\n'],
  ['half a surrogate pair', 'issuers: { main: "https://a.example.com/\\ud800" }\nupstreams: {}\n'],
  ['%TAG', '%TAG ! tag:x,2000:\n---\nissuers: {}\nupstreams: {}\n'],
] as const) {
  test(`attacks 2.8 row 2: ${name} is refused`, () => assert.equal(messagesOf(text).length, 1))
}

for (const [name, text] of [
  ['a version directive that says 1.2', '%YAML 1.2\n---\nissuers: {}\nupstreams: {}\n'],
  ['document markers', '---\nissuers: {}\nupstreams: {}\n...\n'],
  ['a tab behind a colon', 'issuers:\t{}\nupstreams:\t{}\n'],
  ['NEL and non-ASCII in a comment', '# \u0085 é ü 漢\nissuers: {}\nupstreams: {}\n'],
] as const) {
  test(`${name} is harmless`, () => assert.deepEqual(messagesOf(text), []))
}
