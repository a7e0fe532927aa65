import assert from 'node:assert/strict'
import { test } from 'node:test'
import { identityHeaders } from '../../src/upstream/identity.ts'
import { verifiedToken } from '../support/verified-token.ts'

const fieldOf = (claim: string, claims: Record<string, unknown>): string | undefined =>
  identityHeaders([{ name: 'X-Id', claim }], verifiedToken({ claims }))[1]

test('FW-10, H1-26: a claim becomes one line of visible ASCII, or none', () => {
  const rows: readonly (readonly [value: unknown, expected: string | undefined])[] = [
    ['alice', 'alice'],
    ['a b', 'a b'],
    [' a  b ', '%20a  b%20'],
    ['100%', '100%25'],
    ['a\r\nX: 1', 'a%0D%0AX: 1'],
    ['\0', '%00'],
    ['\u007f', '%7F'],
    ['\u010a', '%C4%8A'],
    ['é', '%C3%A9'],
    ['🎈', '%F0%9F%8E%88'],
    ['\ud800', '%EF%BF%BD'],
    [7, '7'],
    [true, 'true'],
    [['a', 'b,c', 1], 'a,b%2Cc,1'],
    ['x'.repeat(4096), 'x'.repeat(4096)],
    ['x'.repeat(4097), undefined],
    ['é'.repeat(1000), undefined],
    ['', undefined],
    [[], undefined],
    [null, undefined],
    [undefined, undefined],
    [{ a: 1 }, undefined],
    [['a', { b: 1 }], undefined],
    [[['a']], undefined],
  ]
  for (const [value, expected] of rows) assert.equal(fieldOf('x', { x: value }), expected, JSON.stringify(value))
})

test('`scope` and `client_id` are what the profile read', () => {
  const token = verifiedToken({ scopes: ['a', 'b'], client: 'cli', claims: { scope: 'other' } })
  const headers = [
    { name: 'X-Scopes', claim: 'scope' },
    { name: 'X-Client', claim: 'client_id' },
    { name: 'X-None', claim: '__proto__' },
  ]
  assert.deepEqual(identityHeaders(headers, token), ['X-Scopes', 'a b', 'X-Client', 'cli'])
  assert.deepEqual(identityHeaders([], token), [])
})
