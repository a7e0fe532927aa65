import assert from 'node:assert/strict'
import { test } from 'node:test'
import { cutToAsked, knownScopes, permissionsOf, resourceWithoutAsking } from '../../src/dev/resource-permissions.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'

const roles = new Map([
  ['reader', new Map([[ORDERS, ['orders:read']]])],
  ['clerk', new Map([[ORDERS, ['orders:read', 'orders:write']]])],
  ['accountant', new Map([[BILLING, ['billing:read']]])],
])

test('permissions are those of all roles held, at that resource only, once each', () => {
  assert.deepEqual(permissionsOf(['reader', 'clerk', 'accountant'], ORDERS, roles), ['orders:read', 'orders:write'])
  assert.deepEqual(permissionsOf(['clerk'], BILLING, roles), [])
})

test('an unknown role and no role at all permit nothing', () => {
  assert.deepEqual(permissionsOf(['boss'], ORDERS, roles), [])
  assert.deepEqual(permissionsOf([], ORDERS, roles), [])
})

test('RI-7: a role for one spelling of an indicator permits nothing at another', () => {
  assert.deepEqual(permissionsOf(['clerk'], `${ORDERS}/`, roles), [])
})

test('permissions are cut to what was asked, and asking never adds any', () => {
  assert.deepEqual(cutToAsked(['orders:read', 'orders:write'], ['orders:write', 'orders:delete']), ['orders:write'])
  assert.deepEqual(cutToAsked(['orders:read'], []), [])
})

test('who names no scope asks for all that is permitted', () => {
  assert.deepEqual(cutToAsked(['orders:read', 'orders:write'], undefined), ['orders:read', 'orders:write'])
})

test('the scopes of a resource are those of its routes and those that roles name for it', () => {
  const resource = { indicator: ORDERS, scopes: ['orders:delete', 'orders:read'] }
  assert.deepEqual(knownScopes(resource, roles), ['orders:delete', 'orders:read', 'orders:write'])
})

for (const { granted, fallback, expected } of [
  { granted: [ORDERS, BILLING], fallback: BILLING, expected: { kind: 'one', indicator: BILLING } },
  { granted: [ORDERS], fallback: BILLING, expected: { kind: 'one', indicator: ORDERS } },
  { granted: [ORDERS], fallback: undefined, expected: { kind: 'one', indicator: ORDERS } },
  { granted: [ORDERS, BILLING], fallback: undefined, expected: { kind: 'none' } },
  { granted: [ORDERS, BILLING], fallback: 'urn:other', expected: { kind: 'ambiguous' } },
]) {
  test(`a token request that names no resource, granted ${granted.length}, default ${fallback}: ${expected.kind}`, () => {
    assert.deepEqual(resourceWithoutAsking(granted, fallback), expected)
  })
}
