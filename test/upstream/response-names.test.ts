import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResponseHeaders } from '../../src/upstream/response-headers.ts'

const buffers = (raw: readonly string[]): Buffer[] => raw.map((text) => Buffer.from(text, 'latin1'))

test('HS-2, HS-14: names of one length that follow each other at one place keep their own fates and spellings', () => {
  const build = createResponseHeaders('X-Request-Id')
  const names = ['Keep-Alive', 'X-Ten-Char', 'x-ten-char', 'Connection', 'X-Ten-Chaz', 'keep-alive', 'Keep-Alive']
  const passed = [...names, ...names].map((name) =>
    build(buffers([name, 'v', 'X-A', 'x']), 200, 'id', false).slice(0, -2),
  )
  const one = [
    ['X-A', 'x'],
    ['X-Ten-Char', 'v', 'X-A', 'x'],
    ['x-ten-char', 'v', 'X-A', 'x'],
    ['X-A', 'x'],
    ['X-Ten-Chaz', 'v', 'X-A', 'x'],
    ['X-A', 'x'],
    ['X-A', 'x'],
  ]
  assert.deepEqual(passed, [...one, ...one])
})

test('HS-2: names beyond what is remembered, by place or by length, are judged all the same', () => {
  const build = createResponseHeaders('X-Request-Id')
  const long = `X-${'a'.repeat(100)}`
  const many = Array.from({ length: 100 }, (_, i) => [i % 2 === 0 ? 'Keep-Alive' : long, String(i)]).flat()
  const expected = many.filter((_, i) => many[i - (i % 2)] === long)
  for (const round of [1, 2])
    assert.deepEqual(build(buffers(many), 200, 'id', false).slice(0, -2), expected, `round ${round}`)
})
