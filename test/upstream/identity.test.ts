import assert from 'node:assert/strict'
import { test } from 'node:test'
import { match } from '../../src/decision/match.ts'
import type { VerifiedToken } from '../../src/decision/token.ts'
import { identityHeaders } from '../../src/upstream/identity.ts'
import { policy, type TestRule } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

const orders = 'https://api.test/orders'
const billing = 'https://api.test/billing'

const granted = (change: Partial<VerifiedToken>, rule: TestRule = 'authenticated') => {
  const found = match(
    policy({ indicator: orders, accept: ['urn:orders'], otherwise: rule }),
    'api.test',
    '/orders',
    'GET',
  )
  if (found.kind !== 'route') throw new Error(found.kind)
  return { match: found.match, token: verifiedToken(change) }
}

const fieldOf = (claim: string, change: Partial<VerifiedToken>, rule?: TestRule): string | undefined =>
  identityHeaders([{ name: 'X-Id', claim }], granted(change, rule))[1]

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
  for (const [value, expected] of rows) {
    assert.equal(fieldOf('x', { claims: { x: value } }), expected, JSON.stringify(value))
  }
})

test('`client_id` is what the profile read; a claim on no own member is absent', () => {
  const headers = [
    { name: 'X-Client', claim: 'client_id' },
    { name: 'X-None', claim: '__proto__' },
    { name: 'X-Maker', claim: 'constructor.name' },
  ]
  const token = granted({ client: 'cli', claims: { client_id: 'other' } })
  assert.deepEqual(identityHeaders(headers, token), ['X-Client', 'cli'])
  assert.deepEqual(identityHeaders([], token), [])
})

test('RI-14: `scope` is what counts at this resource, wherever the issuer wrote it', () => {
  const claims = { scope: 'other' }
  assert.equal(fieldOf('scope', { scopes: ['a', 'b'], claims }), 'a b')
  assert.equal(fieldOf('scope', { scopes: [], claims }), undefined)
  const scopesByAudience = new Map([
    [orders, ['orders:read']],
    ['urn:orders', ['orders:write']],
    [billing, ['billing:pay']],
  ])
  const told = (audience: readonly string[]) =>
    fieldOf('scope', { audience, scopes: ['openid'], scopesByAudience, claims })
  assert.equal(told([orders]), 'openid orders:read')
  assert.equal(told([orders, 'urn:orders']), 'openid orders:read orders:write')
})

test('AT-18: a member is named by a path', () => {
  const claims = {
    realm_access: { roles: ['admin', 'clerk'] },
    resource_access: { 'my.client': { roles: ['editor'] } },
    'https://example.com/tier': 'gold',
  }
  assert.equal(fieldOf('realm_access.roles', { claims }), 'admin,clerk')
  assert.equal(fieldOf('resource_access.my.client.roles', { claims }), 'editor')
  assert.equal(fieldOf('https://example.com/tier', { claims }), 'gold')
  assert.equal(fieldOf('realm_access', { claims }), undefined)
})

const details = 'authorization_details'

test('RA-4: authorization_details is forwarded as JSON in printable ASCII that says the same', () => {
  const rows: readonly (readonly [element: Record<string, unknown>, text: string])[] = [
    [
      { type: 'payment', amount: { value: '9.99', currency: 'EUR' } },
      '{"type":"payment","amount":{"value":"9.99","currency":"EUR"}}',
    ],
    [{ type: 'é' }, '{"type":"\\u00e9"}'],
    [{ type: '🎈' }, '{"type":"\\ud83c\\udf88"}'],
    [{ 'naïve "key"': 1 }, '{"na\\u00efve \\"key\\"":1}'],
    [{ type: 'a\r\nX: 1\0\t' }, '{"type":"a\\r\\nX: 1\\u0000\\t"}'],
    [{ type: '\u007f\u0085\u2028\ufeff' }, '{"type":"\\u007f\\u0085\\u2028\\ufeff"}'],
    [{ type: '\ud800' }, '{"type":"\\ud800"}'],
    [{ type: '100% \\ "' }, '{"type":"100% \\\\ \\""}'],
  ]
  for (const [element, expected] of rows) {
    const text = fieldOf(details, { authorizationDetails: [element] })
    assert.equal(text, `[${expected}]`)
    assert.match(text, /^[\x20-\x7e]+$/)
    assert.deepEqual(JSON.parse(text), [element])
  }
})

test('RA-4: it is the array that was proven, not what a claim of that name says', () => {
  const claims = { authorization_details: [{ type: 'forged' }] }
  assert.equal(
    fieldOf(details, { claims, authorizationDetails: [{ type: 'a' }, { type: 'b' }] }),
    '[{"type":"a"},{"type":"b"}]',
  )
  assert.equal(fieldOf(details, { claims, authorizationDetails: [] }), undefined)
})

test('RA-4: half an array is another array: one that is too long is not forwarded', () => {
  const shell = '[{"type":""}]'.length
  const of = (length: number) => fieldOf(details, { authorizationDetails: [{ type: 'x'.repeat(length - shell) }] })
  assert.equal(of(4096)?.length, 4096)
  assert.equal(of(4097), undefined)
  // Six characters each, once escaped.
  assert.equal(fieldOf(details, { authorizationDetails: [{ type: 'é'.repeat(700) }] }), undefined)
})

test('RFC 9396 section 14: what was granted for another resource is not for this API to see', () => {
  const authorizationDetails = [
    { type: 'a' },
    { type: 'b', locations: [billing] },
    { type: 'c', locations: [billing, 'urn:orders'] },
  ]
  assert.equal(
    fieldOf(details, { authorizationDetails }),
    '[{"type":"a"},{"type":"c","locations":["https://api.test/billing","urn:orders"]}]',
  )
  assert.equal(fieldOf(details, { authorizationDetails: [{ type: 'b', locations: [billing] }] }), undefined)
  const rule = { authorizationDetails: { type: 'b', actions: [], locations: [billing] } }
  assert.equal(
    fieldOf(details, { authorizationDetails: [{ type: 'b', locations: [billing] }] }, rule),
    '[{"type":"b","locations":["https://api.test/billing"]}]',
  )
})
