import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { upstreamPath } from '../../src/upstream/forward.ts'

test('RT-13, UR-20: base path and suffix meet at exactly one slash', () => {
  for (const [base, suffix, path] of [
    ['', '', '/'],
    ['', '/', '/'],
    ['', '/a', '/a'],
    ['/v1', '', '/v1'],
    ['/v1', '/', '/v1/'],
    ['/v1', '/a/', '/v1/a/'],
    ['/v1/', '', '/v1/'],
    ['/v1/', '/', '/v1/'],
    ['/v1/', '/a', '/v1/a'],
    ['/', '', '/'],
    ['/', '/a', '/a'],
  ] as const) {
    assert.equal(upstreamPath(base, suffix), path, `${base} + ${suffix}`)
  }
})

test('RT-13, UR-20: canonical parts make a canonical path: no empty segment is born, and the base stays', () => {
  const path = fc
    .array(fc.constantFrom('a', 'b%20c', '...', '~'), { maxLength: 4 })
    .map((parts) => parts.map((part) => `/${part}`).join(''))
  fc.assert(
    fc.property(path, fc.boolean(), path, fc.boolean(), (base, slash, suffix, trailing) => {
      const made = upstreamPath(slash ? `${base}/` : base, trailing ? `${suffix}/` : suffix)
      assert.ok(made.startsWith(base) && made.startsWith('/'))
      assert.doesNotMatch(made, /\/\//)
    }),
  )
})
