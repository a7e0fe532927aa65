import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearMiss } from '../../src/decision/near-miss.ts'
import type { Refusal } from '../../src/decision/refusal.ts'
import { senderFaults } from '../../src/decision/sender.ts'
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
  ['https://api.test/order\u{73}\u{301}', /nothing near/],
  ['https://api.test/billing', /nothing near/],
  ['cli', /nothing near/],
]
for (const [got, expected] of audiences) {
  test(`RI-7, RI-8: the audience ${got} is told: ${expected.source}`, () => {
    assert.match(tell({ reason: 'audience_mismatch', expected: [orders], got: [got] }), expected)
  })
}

const spellings: readonly (readonly [want: string, have: string, RegExp])[] = [
  ['http://api.test/a', 'http://api.test:80/a', /only in the default port/],
  ['http://api.test/a', 'http://api.test:81/a', /nothing near/],
  ['https://api.test/a', 'https://api.test:80/a', /nothing near/],
  ['https://api.test/\u00e9', 'https://api.test/e\u0301', /only in Unicode normalization/],
  ['https://api.test/Orders', 'https://api.test/orders', /only in letter case/],
  ['https://api.test/%zz', 'https://api.test/%zz/', /only in the trailing slash/],
  ['api://orders', 'https://orders', /nothing near/],
  ['urn:a', 'urn:a', /nothing near/],
]
for (const [want, have, expected] of spellings) {
  test(`RI-4: ${have} for ${want} is told: ${expected.source}`, () => {
    assert.match(tell({ reason: 'audience_mismatch', expected: [want], got: [have] }), expected)
  })
}

test('the nearest of several audiences is named', () => {
  assert.match(
    tell({ reason: 'audience_mismatch', expected: ['urn:x', orders], got: ['urn:y', `${orders}/`] }),
    /`https:\/\/api\.test\/orders\/` differs only in the trailing slash/,
  )
})

const others: readonly (readonly [string, Refusal, RegExp])[] = [
  ['an opaque token', { reason: 'token_opaque' }, /^opaque token: was `resource` sent/],
  [
    'a token without audience',
    { reason: 'audience_missing', expected: [orders] },
    /names no audience: was `resource` sent/,
  ],
  [
    'a token that cannot be decrypted',
    { reason: 'decryption_failed', fault: 'x' },
    /`decryption` may .* `decryption.required` must/,
  ],
  ['an ID token', { reason: 'token_type_wrong', expected: 'at+jwt', got: 'ID token' }, /this is an ID token/],
  [
    'typ id_token',
    { reason: 'token_type_wrong', expected: 'at+jwt', got: 'application/ID_token' },
    /^this is an ID token/,
  ],
  [
    'no typ',
    { reason: 'token_type_wrong', expected: 'at+jwt', got: 'none' },
    /^this may be an ID token, or .*`profile`/,
  ],
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
    { reason: 'scope_insufficient', required: ['orders:read'], anyOf: [], got: ['Orders:Read'], details: undefined },
    /only in letter case/,
  ],
  [
    'a scope with another separator',
    { reason: 'scope_insufficient', required: ['orders:read'], anyOf: [], got: ['orders.read'], details: undefined },
    /only in the separator/,
  ],
  [
    'scopes joined by a comma',
    { reason: 'scope_insufficient', required: ['a'], anyOf: [], got: ['a,b'], details: undefined },
    /separated by something other/,
  ],
  [
    'a scope that is there, another is not',
    { reason: 'scope_insufficient', required: ['a', 'b'], anyOf: [], got: ['a'], details: undefined },
    /nothing near/,
  ],
  [
    'any_scope in another case',
    { reason: 'scope_insufficient', required: [], anyOf: ['admin'], got: ['Admin'], details: undefined },
    /only in letter case/,
  ],
  [
    'a token without the detail that is needed',
    { reason: 'scope_insufficient', required: ['A'], anyOf: [], got: ['a'], details: 'type payment' },
    /no scope stands in for `authorization_details`/,
  ],
  [
    'a key-bound token without proof',
    { reason: 'proof_missing', methods: ['jkt'] },
    /^a token bound by `jkt` .* DPoP scheme, with a proof in `DPoP`$/,
  ],
  [
    'a certificate-bound token alone',
    { reason: 'proof_missing', methods: ['x5t#S256'] },
    /^a token bound by `x5t#S256` comes with its client certificate/,
  ],
  [
    'a token bound by both',
    { reason: 'proof_missing', methods: ['jkt', 'x5t#S256'] },
    /in `DPoP`; a token bound by `x5t#S256`/,
  ],
  ['a token bound by something else', { reason: 'proof_missing', methods: ['kid'] }, /only bindings by/],
  [
    'an unbound token under DPoP',
    { reason: 'binding_mismatch', fault: senderFaults.unboundDPoP },
    /send it as Bearer, or/,
  ],
  [
    'an unbound token where binding is required',
    { reason: 'binding_mismatch', fault: senderFaults.unbound },
    /sender_constrained/,
  ],
  [
    'a certificate-bound token under DPoP',
    { reason: 'binding_mismatch', fault: senderFaults.notByKey },
    /send it as Bearer$/,
  ],
  ['a proof by another key', { reason: 'binding_mismatch', fault: senderFaults.otherKey }, /nothing near/],
  ['a proof for another URL', { reason: 'proof_invalid', fault: 'an htu of another URI' }, /the URI that clients know/],
  ['a proof that is too old', { reason: 'proof_invalid', fault: 'iat is too long ago' }, /nothing near/],
  [
    'a token without auth_time',
    { reason: 'authentication_insufficient', claim: 'auth_time', expected: 'x', got: 'none' },
    /write `auth_time` into access tokens/,
  ],
  [
    'a token of another acr',
    { reason: 'authentication_insufficient', claim: 'acr', expected: 'x', got: 'y' },
    /nothing near/,
  ],
  [
    'a claim in another case',
    { reason: 'claim_mismatch', claim: 'x', expected: ['a', 'admin'], got: '"Admin"' },
    /only in letter case/,
  ],
  [
    'a number for a text',
    { reason: 'claim_mismatch', claim: 'x', expected: ['42'], got: '42' },
    /the claim is no text/,
  ],
  [
    'a text for a number',
    { reason: 'claim_mismatch', claim: 'x', expected: ['42'], got: '"42"' },
    /the claim is a text/,
  ],
  [
    'a claim that is absent',
    { reason: 'claim_mismatch', claim: 'x', expected: ['absent'], got: 'absent' },
    /nothing near/,
  ],
  [
    'a claim of another value',
    { reason: 'claim_mismatch', claim: 'x', expected: ['admin'], got: '"administrator"' },
    /nothing near/,
  ],
  ['a broken signature', { reason: 'signature_invalid', issuer: 'main' }, /nothing near/],
]
for (const [what, refusal, expected] of others) {
  test(`near miss: ${what} is told: ${expected.source}`, () => assert.match(tell(refusal), expected))
}
