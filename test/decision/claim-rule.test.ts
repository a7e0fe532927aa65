import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimAt, judgeClaims } from '../../src/decision/claim-rule.ts'
import { type Match, match } from '../../src/decision/match.ts'
import type { ClaimRule, ClaimValue } from '../../src/decision/resource.ts'
import type { StepReport } from '../../src/decision/step.ts'
import { policy } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

const matchOf = (path: string): Match => {
  const resources = policy({
    indicator: 'https://api.test/orders',
    routes: { 'GET /': 'authenticated', 'GET /{account}': 'authenticated' },
  })
  const found = match(resources, 'api.test', `/orders${path}`, 'GET')
  if (found.kind !== 'route') throw new Error(found.kind)
  return found.match
}

const literal = (value: string | number | boolean): ClaimValue => ({ kind: 'literal', value })
const parameter: ClaimValue = { kind: 'parameter', name: 'account' }
const rule = (claim: string, ...oneOf: readonly ClaimValue[]): ClaimRule => ({ claim, oneOf })

const judge = (rules: readonly ClaimRule[], claims: Readonly<Record<string, unknown>>, path = '/42') => {
  const steps: StepReport[] = []
  const refusal = judgeClaims(rules, matchOf(path), verifiedToken({ claims }), (step) => steps.push(step))
  return { refusal, steps, granted: refusal === undefined }
}

const values: readonly (readonly [string, ClaimValue, unknown, boolean])[] = [
  ['the same text', literal('gold'), 'gold', true],
  ['a longer text', literal('admin'), 'administrator', false],
  ['a shorter text', literal('administrator'), 'admin', false],
  ['another case', literal('admin'), 'Admin', false],
  ['a text that holds it between spaces', literal('admin'), 'user admin', false],
  ['a text that begins alike', literal('a@good'), 'a@good@evil', false],
  ['a list that holds it', literal('gold'), ['silver', 'gold'], true],
  ['a list without it', literal('admin'), ['administrator', 'administrators'], false],
  ['an empty list', literal('gold'), [], false],
  ['a list of lists', literal('gold'), [['gold']], false],
  ['a list of SCIM members', literal('admin'), [{ value: 'x' }, { value: 'admin', display: 'Admins' }], true],
  ['a SCIM member whose display it is', literal('admin'), [{ value: 'x', display: 'admin' }], false],
  ['a SCIM member whose value is longer', literal('admin'), [{ value: 'administrator' }], false],
  ['a SCIM member whose value is a list', literal('admin'), [{ value: ['admin'] }], false],
  ['a SCIM member outside a list', literal('admin'), { value: 'admin' }, false],
  ['a value on the prototype', literal('admin'), [Object.create({ value: 'admin' })], false],
  ['a list with null in it', literal('admin'), [null, 'admin'], true],
  ['an object that has the name', literal('admin'), { admin: true }, false],
  ['the number for the text', literal('42'), 42, false],
  ['the text for the number', literal(42), '42', false],
  ['the number for the number', literal(42), 42, true],
  ['a number in a list for the text', literal('42'), [42], false],
  ['a number as a SCIM value for the text', literal('42'), [{ value: 42 }], false],
  ['the truth for the truth', literal(true), true, true],
  ['the text for the truth', literal(true), 'true', false],
  ['one for the truth', literal(true), 1, false],
  ['null', literal('null'), null, false],
  ['the segment of the path', parameter, '42', true],
  ['a list that holds the segment', parameter, ['41', '42'], true],
  ['another segment', parameter, '421', false],
  ['the segment as a number', parameter, 42, false],
  ['the name of the parameter', parameter, '{account}', false],
]
for (const [what, expected, got, granted] of values) {
  test(`AT-18: ${what} ${granted ? 'passes' : 'is claim_mismatch'}`, () => {
    const { refusal, steps } = judge([rule('x', expected)], { x: got })
    assert.equal(refusal?.reason, granted ? undefined : 'claim_mismatch')
    assert.deepEqual(
      steps.map(({ ok }) => ok),
      [granted],
    )
  })
}

test('a claim that is absent is no match for anything, not even for a parameter that is absent too', () => {
  assert.equal(judge([rule('x', literal('gold'))], {}).granted, false)
  assert.equal(judge([rule('x', literal('undefined'))], {}).granted, false)
  assert.equal(judge([rule('x', parameter)], {}, '/').granted, false)
  assert.equal(judge([rule('x', parameter)], { x: undefined }, '/').granted, false)
  assert.equal(judge([rule('x', parameter)], { x: 'undefined' }, '/').granted, false)
})

test('a parameter is compared percent-decoded and case-sensitively', () => {
  assert.equal(judge([rule('x', parameter)], { x: 'a b' }, '/a%20b').granted, true)
  assert.equal(judge([rule('x', parameter)], { x: 'a%20b' }, '/a%20b').granted, false)
  assert.equal(judge([rule('x', parameter)], { x: 'alice' }, '/Alice').granted, false)
})

test('one of several values is enough, and every rule counts', () => {
  const rules = [rule('plan', literal('gold'), literal('platinum')), rule('region', literal('eu'))]
  assert.equal(judge(rules, { plan: 'gold', region: 'eu' }).granted, true)
  assert.equal(judge(rules, { plan: 'platinum', region: 'eu' }).granted, true)
  assert.equal(judge(rules, { plan: 'platinum', region: 'us' }).granted, false)
  assert.equal(judge(rules, { plan: 'silver', region: 'eu' }).granted, false)
  assert.equal(judge([], {}).granted, true)
})

test('the refusal and the step tell the first claim that fails, what was expected and what was found', () => {
  const rules = [rule('a', literal(1)), rule('b', literal('x'), parameter), rule('c', literal('y'))]
  const { refusal, steps } = judge(rules, { a: 1, b: ['z'] })
  assert.deepEqual(refusal, { reason: 'claim_mismatch', claim: 'b', expected: ['x', '42'], got: '["z"]' })
  assert.deepEqual(steps, [
    { name: 'claim a', expected: '1', found: '1', ok: true },
    { name: 'claim b', expected: 'x or 42', found: '["z"]', ok: false },
  ])
  const absent = judge([rule('c', literal('y'))], {}).refusal
  assert.ok(absent?.reason === 'claim_mismatch')
  assert.equal(absent.got, 'absent')
  const long = judge([rule('c', literal('y'))], { c: 'x'.repeat(500) }).refusal
  assert.ok(long?.reason === 'claim_mismatch')
  assert.equal(long.got.length, 200)
})

const keycloak = {
  realm_access: { roles: ['admin'] },
  resource_access: { 'my.client': { roles: ['editor'] }, orders: { roles: ['viewer'] } },
}
const paths: readonly (readonly [string, Readonly<Record<string, unknown>>, string, unknown])[] = [
  ['a claim of that name', { a: 1 }, 'a', 1],
  ['a member', keycloak, 'realm_access.roles', ['admin']],
  ['a member of a member', keycloak, 'resource_access.orders.roles', ['viewer']],
  ['a name with a dot on the way', keycloak, 'resource_access.my.client.roles', ['editor']],
  ['a name that is a URI', { 'https://example.com/roles': ['a'] }, 'https://example.com/roles', ['a']],
  ['a member below a URI', { 'https://example.com/app': { roles: 'a' } }, 'https://example.com/app.roles', 'a'],
  ['a whole name before a path', { 'a.b': 1, a: { b: 2 } }, 'a.b', 1],
  ['the longest name that is there', { 'a.b': { c: 1 }, a: { b: { c: 2 }, 'b.c': 3 } }, 'a.b.c', 1],
  ['no way back from the longest name', { 'a.b': { x: 1 }, a: { b: { c: 2 } } }, 'a.b.c', undefined],
  ['no way through a text', { 'a.b': 'x', a: { b: { c: 2 } } }, 'a.b.c', undefined],
  ['nothing that is there', keycloak, 'realm_access.groups', undefined],
  ['nothing below a text', { a: 'text' }, 'a.length', undefined],
  ['nothing below a list', { a: [{ b: 1 }] }, 'a.b', undefined],
  ['no index of a list', { a: ['x'] }, 'a.0', undefined],
  ['no length of a list', { a: ['x'] }, 'a.length', undefined],
  ['nothing below null', { a: null }, 'a.b', undefined],
  ['a member whose name begins with a dot', { a: { '.b': 1 } }, 'a..b', 1],
  ['nothing below an empty name on the way', { a: { '': { b: 1 } } }, 'a..b', undefined],
  ['a name that begins with a dot', { '.a': 1 }, '.a', 1],
  ['nothing below an empty name', { '': { a: 1 } }, '.a', undefined],
  ['a name that ends in a dot', { a: { '': 1 } }, 'a.', 1],
  ['no method of the prototype', {}, 'constructor', undefined],
  ['nothing below the constructor', {}, 'constructor.name', undefined],
  ['nothing below a member’s constructor', { a: {} }, 'a.constructor.name', undefined],
  ['no prototype', {}, '__proto__', undefined],
  ['nothing below the prototype', Object.create({ plan: 'gold' }), '__proto__.plan', undefined],
  ['nothing of the prototype', Object.create({ plan: 'gold' }), 'plan', undefined],
  ['nothing of a member’s prototype', { a: Object.create({ plan: 'gold' }) }, 'a.plan', undefined],
  [
    'a member named like the prototype stays a member',
    JSON.parse('{"__proto__": {"plan": "gold"}}'),
    'plan',
    undefined,
  ],
]
for (const [what, claims, path, expected] of paths) {
  test(`JO-28: \`${path}\` finds ${what}`, () => assert.deepEqual(claimAt(claims, path), expected))
}

test('JO-28: what is found by a path is judged like a claim', () => {
  assert.equal(judge([rule('realm_access.roles', literal('admin'))], keycloak).granted, true)
  assert.equal(judge([rule('realm_access.roles', literal('editor'))], keycloak).granted, false)
  assert.equal(judge([rule('realm_access', literal('admin'))], keycloak).granted, false)
  assert.equal(judge([rule('resource_access.my.client.roles', literal('editor'))], keycloak).granted, true)
})
