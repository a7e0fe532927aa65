import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearMiss } from '../../src/decision/near-miss.ts'
import type { Refusal } from '../../src/decision/refusal.ts'
import { policy } from '../support/policy.ts'

const orders = 'https://api.test/orders'
const [resource] = policy({ indicator: orders }).all
const tell = (refusal: Refusal): string => nearMiss(refusal, resource) ?? 'nothing near'

const audiences: readonly (readonly [string, RegExp])[] = [
  [`${orders}/`, /only in the trailing slash/],
  ['http://api.test/orders', /only in the scheme/],
  ['HTTPS://api.test/orders', /only in the (scheme|case)/],
  ['https://API.test/orders', /only in the case of scheme or host/],
  ['https://api.test:443/orders', /only in the default port/],
  ['https://api.test/%6frders', /only in percent-encoding/],
  ['https://api.test/ORDERS', /only in letter case/],
  ['http://API.test/orders/', /only in spelling/],
  ['https://api.test', /is a parent of this resource/],
  ['https://api.test/', /is a parent of this resource/],
  [`${orders}/42`, /is a child of this resource/],
  ['https://api.test/billing', /nothing near/],
  ['cli', /nothing near/],
]
for (const [got, expected] of audiences) {
  test(`RI-7, RI-8: the audience ${got} is told: ${expected.source}`, () => {
    assert.match(tell({ reason: 'audience_mismatch', expected: [orders], got: [got] }), expected)
  })
}

test('the nearest of several audiences is named', () => {
  assert.match(
    tell({ reason: 'audience_mismatch', expected: ['urn:x', orders], got: ['urn:y', `${orders}/`] }),
    /`https:\/\/api\.test\/orders\/` differs only in the trailing slash/,
  )
})

const others: readonly (readonly [string, Refusal, RegExp])[] = [
  ['an opaque token', { reason: 'token_opaque' }, /was `resource` sent/],
  ['a token without audience', { reason: 'audience_missing', expected: [orders] }, /was `resource` sent/],
  ['an encrypted token', { reason: 'decryption_failed' }, /encrypted/],
  ['an ID token', { reason: 'token_type_wrong', expected: 'at+jwt', got: 'ID token' }, /this is an ID token/],
  ['typ JWT', { reason: 'token_type_wrong', expected: 'at+jwt', got: 'JWT' }, /`profile`/],
  [
    'a logout token',
    { reason: 'token_type_wrong', expected: 'at+jwt', got: 'logout+jwt' },
    /logout\+jwt, not an access token/,
  ],
  [
    'an issuer with a slash more',
    { reason: 'issuer_untrusted', expected: ['https://as.test'], got: 'https://as.test/', audience: [] },
    /only in the trailing slash/,
  ],
  [
    'another issuer with the right audience',
    { reason: 'issuer_untrusted', expected: ['https://as.test'], got: 'https://evil.test', audience: [orders] },
    /the audience is right/,
  ],
  [
    'another issuer altogether',
    { reason: 'issuer_untrusted', expected: ['https://as.test'], got: 'https://evil.test', audience: [] },
    /nothing near/,
  ],
  [
    'a scope in another case',
    { reason: 'scope_insufficient', required: ['orders:read'], anyOf: [], got: ['Orders:Read'] },
    /only in letter case/,
  ],
  [
    'a scope with another separator',
    { reason: 'scope_insufficient', required: ['orders:read'], anyOf: [], got: ['orders.read'] },
    /only in the separator/,
  ],
  [
    'scopes joined by a comma',
    { reason: 'scope_insufficient', required: ['a'], anyOf: [], got: ['a,b'] },
    /separated by something other/,
  ],
  [
    'a scope that is there, another is not',
    { reason: 'scope_insufficient', required: ['a', 'b'], anyOf: [], got: ['a'] },
    /nothing near/,
  ],
  [
    'any_scope in another case',
    { reason: 'scope_insufficient', required: [], anyOf: ['admin'], got: ['Admin'] },
    /only in letter case/,
  ],
  ['a broken signature', { reason: 'signature_invalid', issuer: 'main' }, /nothing near/],
]
for (const [what, refusal, expected] of others) {
  test(`near miss: ${what} is told: ${expected.source}`, () => assert.match(tell(refusal), expected))
}
