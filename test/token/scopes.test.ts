import assert from 'node:assert/strict'
import { test } from 'node:test'
import { listed, splitScopes } from '../../src/token/scopes.ts'

test('AT-12: a prefixed scope is split at its last slash, and what has no identifier or no name stays whole', () => {
  const cases: readonly (readonly [string, string | undefined, string])[] = [
    ['https://api.test/orders/orders:read', 'https://api.test/orders', 'orders:read'],
    ['https://api.test/read', 'https://api.test', 'read'],
    ['https://api.test//read', 'https://api.test/', 'read'],
    ['solar-system-data/sunproximity.read', 'solar-system-data', 'sunproximity.read'],
    ['openid', undefined, 'openid'],
    ['aws.cognito.signin.user.admin', undefined, 'aws.cognito.signin.user.admin'],
    ['https://api.test/', undefined, 'https://api.test/'],
    ['/read', undefined, '/read'],
    ['/', undefined, '/'],
    ['__proto__/read', '__proto__', 'read'],
  ]
  for (const [scope, audience, name] of cases) {
    const { plain, byAudience } = splitScopes([scope])
    assert.deepEqual(plain, audience === undefined ? [name] : [], scope)
    assert.deepEqual([...byAudience], audience === undefined ? [] : [[audience, [name]]], scope)
  }
})

test('RI-4: identifiers are told apart character by character', () => {
  const { byAudience } = splitScopes(['https://a.test/x', 'https://A.test/x', 'https://a.test//x', 'https://a.test/y'])
  assert.deepEqual(
    [...byAudience],
    [
      ['https://a.test', ['x', 'y']],
      ['https://A.test', ['x']],
      ['https://a.test/', ['x']],
    ],
  )
})

test('AT-12: a list of scopes is taken member by member, and anything else says nothing', () => {
  assert.deepEqual(listed(['a', 'b c']), ['a', 'b c'])
  for (const value of [undefined, null, 'a b', 5, {}, ['a', 5], [['a']]]) assert.deepEqual(listed(value), [])
})
