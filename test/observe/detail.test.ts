import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Refusal } from '../../src/decision/refusal.ts'
import { detail } from '../../src/observe/detail.ts'
import { refusals } from '../support/refusals.ts'

test('TC-9: every refusal tells the operator what was expected and what was got', () => {
  const texts = Object.values(refusals).map((refusal) => detail(refusal))
  for (const text of texts) assert.match(text, /^[a-z_ -]+[a-z]*: expected .+, got /, text)
  assert.equal(new Set(texts).size, texts.length, 'no two refusals read alike')
})

test('TC-9: what a refusal carries is in its text', () => {
  for (const refusal of Object.values(refusals)) {
    const { reason, ...carried } = refusal
    // Instants are written as dates, and the next nonce is for the client.
    const others = new Set(['expiredAt', 'validFrom', 'issuedAt', 'now', 'nonce'])
    for (const [name, value] of Object.entries(carried)) {
      const words = others.has(name) || value === undefined ? [] : [value].flat().map(String)
      for (const word of words) assert.ok(detail(refusal).includes(word), `${reason}: ${word}`)
    }
  }
})

const cases: readonly [refusal: Refusal, text: string][] = [
  [
    { reason: 'audience_mismatch', expected: ['https://api.test/orders'], got: ['https://api.test/billing'] },
    'audience: expected https://api.test/orders, got https://api.test/billing',
  ],
  [
    { reason: 'audience_mismatch', expected: ['urn:a', 'urn:b'], got: ['urn:c', 'urn:d'] },
    'audience: expected one of urn:a, urn:b, got urn:c, urn:d',
  ],
  [
    { reason: 'scope_insufficient', required: ['a', 'b'], anyOf: ['c', 'd'], got: [], details: undefined },
    'scope: expected a b and one of c d, got none',
  ],
  [
    { reason: 'scope_insufficient', required: [], anyOf: ['c'], got: ['x'], details: undefined },
    'scope: expected one of c, got x',
  ],
  [
    { reason: 'scope_insufficient', required: ['a'], anyOf: [], got: ['a'], details: 'type payment, actions read' },
    'authorization_details: expected an element with type payment, actions read, got none',
  ],
  [
    { reason: 'scope_insufficient', required: ['a'], anyOf: [], got: ['x', 'y'], details: undefined },
    'scope: expected a, got x y',
  ],
  [
    { reason: 'audience_mismatch', expected: ['urn:a'], got: [...'12345678'] },
    'audience: expected urn:a, got 1, 2, 3, 4, 5, 6, 7, 8',
  ],
  [
    { reason: 'proof_missing', methods: ['jkt', 'x5t#S256'] },
    'binding: expected proof of what the token is bound to (cnf: jkt, x5t#S256), got none',
  ],
  [
    { reason: 'token_too_old', issuedAt: 1_700_000_000, maxAgeSeconds: 300, now: 1_700_000_400 },
    'iat: expected at most 300 s ago (max_token_age), got 2023-11-14T22:13:20.000Z, 400 s ago',
  ],
  [
    { reason: 'proof_missing', methods: [] },
    'binding: expected proof of what the token is bound to (cnf: none), got none',
  ],
  [
    { reason: 'authentication_insufficient', claim: 'auth_time', expected: 'at most 60 s ago (+30 s)', got: 'none' },
    'auth_time: expected at most 60 s ago (+30 s), got none',
  ],
  [
    { reason: 'introspection_unavailable', issuer: 'main', fault: 'status 500', retryAfterSeconds: 2 },
    'introspection: expected an answer of issuer main, got status 500; next try in 2 s',
  ],
  [
    { reason: 'store_unavailable', operation: 'replay', retryAfterSeconds: 1 },
    'store: expected an answer to replay, got none in time; next try in 1 s',
  ],
  [
    { reason: 'token_missing', fault: 'no Authorization field' },
    'credentials: expected a Bearer or DPoP token, got none: no Authorization field',
  ],
  [
    { reason: 'token_expired', expiredAt: 1_700_000_000, now: 1_700_000_090.25 },
    'exp: expected an instant to come, got 2023-11-14T22:13:20.000Z, 90.3 s ago',
  ],
  [
    { reason: 'token_not_yet_valid', claim: 'nbf', validFrom: 1_700_000_060, now: 1_700_000_000 },
    'nbf: expected an instant gone by, got 2023-11-14T22:14:20.000Z, 60 s ahead',
  ],
  [
    { reason: 'token_expired', expiredAt: -1e300, now: 0 },
    `exp: expected an instant to come, got -1e+300, ${1e300} s ago`,
  ],
  [
    { reason: 'issuer_untrusted', expected: ['https://a'], got: '', audience: [] },
    'issuer: expected https://a, got (empty)',
  ],
  [{ reason: 'internal', fault: '/f: is empty' }, 'internal: expected no fault of the gateway, got /f: is empty'],
]
for (const [refusal, text] of cases) {
  test(`TC-9: the operator reads "${text}"`, () => {
    assert.equal(detail(refusal), text)
  })
}

test('A near miss is added to the text', () => {
  const text = detail(refusals.audience_mismatch, 'differs only in the trailing slash')
  assert.match(text, /billing \(differs only in the trailing slash\)$/)
})

test('Attack 2.6: a token with ten thousand audiences makes no long text', () => {
  const got = Array.from({ length: 10_000 }, (_, at) => `urn:${at}`)
  const text = detail({ reason: 'audience_mismatch', expected: ['urn:x'], got })
  assert.ok(text.length < 200, text)
  assert.match(text, /and 9992 more$/)
})
