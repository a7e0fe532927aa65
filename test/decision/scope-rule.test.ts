import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { AuthorizationDetailsRule, Rule } from '../../src/decision/resource.ts'
import { detailsAt, judgeDetails, judgeScopes } from '../../src/decision/scope-rule.ts'
import type { StepReport } from '../../src/decision/step.ts'
import { scopesAt, type VerifiedToken } from '../../src/decision/token.ts'
import { policy, type TestRule } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

const orders = 'https://api.test/orders'
const billing = 'https://api.test/billing'

const placed = (rule: TestRule) => {
  const [resource] = policy({ indicator: orders, accept: ['urn:orders'], routes: { 'GET /': rule } }).all
  const [route] = resource?.all ?? []
  if (!resource || route?.rule.kind !== 'token') throw new Error('no token rule')
  return { resource, rule: route.rule }
}

const judge = (by: typeof judgeScopes, rule: TestRule, change: Partial<VerifiedToken>) => {
  const at = placed(rule)
  const steps: StepReport[] = []
  const refusal = by(at.rule, at.resource, verifiedToken(change), (step) => steps.push(step))
  return { refusal, steps }
}

const scopes: readonly (readonly [string, TestRule, readonly string[], boolean])[] = [
  ['all of two', 'orders:read orders:write', ['orders:write', 'orders:read'], true],
  ['one of two', 'orders:read orders:write', ['orders:read'], false],
  ['a longer one', 'orders:read', ['orders:reader'], false],
  ['a shorter one', 'orders:read', ['orders'], false],
  ['another case', 'orders:read', ['Orders:Read'], false],
  ['a wildcard', 'orders:read', ['orders:*'], false],
  ['a full-width colon', 'orders:read', ['orders：read'], false],
  ['two in one, joined by a space', 'a', ['a b'], false],
  ['none at all', 'orders:read', [], false],
  ['none where none is needed', 'authenticated', [], true],
  ['the second of any_scope', { anyScope: ['a', 'b'] }, ['b'], true],
  ['none of any_scope', { anyScope: ['a', 'b'] }, ['c'], false],
  ['any_scope without the scopes beside it', { scopes: ['c'], anyScope: ['a', 'b'] }, ['a'], false],
  ['the scopes without any_scope beside them', { scopes: ['c'], anyScope: ['a', 'b'] }, ['c'], false],
  ['the scopes and one of any_scope', { scopes: ['c'], anyScope: ['a', 'b'] }, ['c', 'a'], true],
]
for (const [what, rule, got, expected] of scopes) {
  test(`BR-13, BR-17: ${what} is ${expected ? 'enough' : 'too little'}`, () => {
    const { refusal, steps } = judge(judgeScopes, rule, { scopes: got })
    assert.equal(refusal?.reason, expected ? undefined : 'scope_insufficient')
    assert.equal(steps[0]?.ok, expected)
  })
}

test('BR-13: the refusal names all that the route needs, what the token has, and no details', () => {
  assert.deepEqual(judge(judgeScopes, { scopes: ['a', 'b'], anyScope: ['c', 'd'] }, { scopes: ['a'] }).refusal, {
    reason: 'scope_insufficient',
    required: ['a', 'b'],
    anyOf: ['c', 'd'],
    got: ['a'],
    details: undefined,
  })
})

test('the step tells the scopes that were expected and found', () => {
  const told = (rule: TestRule, got: readonly string[]) =>
    judge(judgeScopes, rule, { scopes: got }).steps.map((step) => `${step.expected} | ${step.found} | ${step.ok}`)
  assert.deepEqual(told('a b', []), ['all of: a b | none | false'])
  assert.deepEqual(told({ scopes: ['a'], anyScope: ['b', 'c'] }, ['x', 'y']), ['all of: a; one of: b c | x y | false'])
  assert.deepEqual(told({ anyScope: ['b'] }, ['b']), ['one of: b | b | true'])
  assert.deepEqual(told('authenticated', ['a']), ['none needed | a | true'])
})

test('RI-14: a scope written for one audience counts at that audience only', () => {
  const byAudience = new Map([
    [orders, ['orders:read']],
    [billing, ['billing:pay']],
    ['urn:orders', ['orders:write']],
  ])
  const audience = [orders, billing, 'urn:orders']
  const token = verifiedToken({ audience, scopes: ['openid'], scopesByAudience: byAudience })
  assert.deepEqual(scopesAt(token, [orders, 'urn:orders']), ['openid', 'orders:read', 'orders:write'])
  assert.deepEqual(scopesAt(token, [billing]), ['openid', 'billing:pay'])
  assert.deepEqual(scopesAt(token, ['urn:none']), ['openid'])
  // `urn:orders` names the same resource, but the token is not for it.
  const narrow = verifiedToken({ audience: [orders], scopes: ['openid'], scopesByAudience: byAudience })
  assert.deepEqual(scopesAt(narrow, [orders, 'urn:orders']), ['openid', 'orders:read'])
  const change = { audience, scopes: [], scopesByAudience: byAudience }
  assert.equal(judge(judgeScopes, 'orders:read orders:write', change).refusal, undefined)
  const refused = judge(judgeScopes, 'billing:pay', change).refusal
  assert.ok(refused?.reason === 'scope_insufficient')
  assert.deepEqual(refused.got, ['orders:read', 'orders:write'])
})

const details = (change: Partial<AuthorizationDetailsRule> = {}) => ({
  authorizationDetails: { type: 'payment', actions: [], locations: [], ...change },
})
type Elements = VerifiedToken['authorizationDetails']
const element = (change: Readonly<Record<string, unknown>> = {}) => ({ type: 'payment', ...change })

const cases: readonly (readonly [string, Partial<AuthorizationDetailsRule>, Elements, boolean])[] = [
  ['no element', {}, [], false],
  ['an element of the type', {}, [element()], true],
  ['an element of another type', {}, [element({ type: 'account' })], false],
  ['a type that begins alike', {}, [element({ type: 'payments' })], false],
  ['a type in another case', {}, [element({ type: 'Payment' })], false],
  ['a type that is a list', {}, [element({ type: ['payment'] })], false],
  ['an element without a type', {}, [{ actions: ['read'] }], false],
  ['a type on the prototype', {}, [Object.create({ type: 'payment' })], false],
  ['an unknown element before the right one', {}, [element({ type: 'x' }), element()], true],
  ['all of the actions', { actions: ['read', 'list'] }, [element({ actions: ['list', 'x', 'read'] })], true],
  ['one of two actions', { actions: ['read', 'list'] }, [element({ actions: ['read'] })], false],
  [
    'the actions spread over two elements',
    { actions: ['read', 'list'] },
    [element({ actions: ['read'] }), element({ actions: ['list'] })],
    false,
  ],
  ['the actions at another type', { actions: ['read'] }, [element(), element({ type: 'x', actions: ['read'] })], false],
  ['no actions where one is needed', { actions: ['read'] }, [element()], false],
  ['actions as a text', { actions: ['read'] }, [element({ actions: 'read' })], false],
  ['actions as a longer text', { actions: ['read'] }, [element({ actions: 'ready read' })], false],
  ['an action that begins alike', { actions: ['read'] }, [element({ actions: ['readwrite'] })], false],
  [
    'actions on the prototype',
    { actions: ['read'] },
    [Object.assign(Object.create({ actions: ['read'] }), element())],
    false,
  ],
  ['actions that nobody asks for', {}, [element({ actions: ['write'] })], true],
  ['this resource as location', {}, [element({ locations: [billing, orders] })], true],
  ['an accepted spelling as location', {}, [element({ locations: ['urn:orders'] })], true],
  ['the location of another resource', {}, [element({ locations: [billing] })], false],
  ['the location with a slash more', {}, [element({ locations: [`${orders}/`] })], false],
  ['the parent as location', {}, [element({ locations: ['https://api.test'] })], false],
  ['no location in the list', {}, [element({ locations: [] })], false],
  ['a location as a text', {}, [element({ locations: orders })], false],
  ['a location that is null', {}, [element({ locations: null })], false],
  ['a location of the rule', { locations: ['urn:a', 'urn:b'] }, [element({ locations: ['urn:b'] })], true],
  ['no location where the rule names one', { locations: ['urn:a'] }, [element()], false],
  ['this resource where the rule names another', { locations: ['urn:a'] }, [element({ locations: [orders] })], false],
  [
    'the right location at another element',
    { actions: ['read'] },
    [element({ locations: [orders] }), element({ actions: ['read'], locations: [billing] })],
    false,
  ],
]
for (const [what, rule, authorizationDetails, expected] of cases) {
  test(`RA-2: ${what} is ${expected ? 'enough' : 'too little'}`, () => {
    const { refusal, steps } = judge(judgeDetails, details(rule), { authorizationDetails })
    assert.equal(refusal?.reason, expected ? undefined : 'scope_insufficient')
    assert.equal(steps[0]?.ok, expected)
  })
}

test('RA-2: a rule without authorization_details looks at none, and tells no step', () => {
  const { refusal, steps } = judge(judgeDetails, 'orders:read', { authorizationDetails: [] })
  assert.equal(refusal, undefined)
  assert.deepEqual(steps, [])
})

test('RA-3: a missing detail is a missing authorization like a scope, and says what was wanted', () => {
  const rule = {
    scopes: ['a'],
    anyScope: ['b'],
    ...details({ actions: ['read', 'list'], locations: ['urn:a', 'urn:b'] }),
  }
  assert.deepEqual(judge(judgeDetails, rule, { scopes: ['a', 'b'] }).refusal, {
    reason: 'scope_insufficient',
    required: ['a'],
    anyOf: ['b'],
    got: ['a', 'b'],
    details: 'type payment, actions read list, a location of urn:a urn:b',
  })
})

test('RA-3: one action and one location are named too', () => {
  const { refusal } = judge(judgeDetails, details({ actions: ['read'], locations: ['urn:a'] }), {})
  assert.ok(refusal?.reason === 'scope_insufficient')
  assert.equal(refusal.details, 'type payment, actions read, a location of urn:a')
})

test('RA-2: the step tells the types that were found, and no more than a line of them', () => {
  const told = (authorizationDetails: Elements) =>
    judge(judgeDetails, details(), { authorizationDetails }).steps.map(
      (step) => `${step.name}: ${step.expected} | ${step.found} | ${step.ok}`,
    )
  assert.deepEqual(told([]), ['authorization details: type payment | none | false'])
  assert.deepEqual(told([{ type: 'x' }, { type: 5 }, element()]), [
    'authorization details: type payment | x, (no type), payment | true',
  ])
  const [long = ''] = told([{ type: 'x'.repeat(1000) }])
  assert.equal(long.length, 'authorization details: type payment |  | false'.length + 200)
})

test('RA-4, RFC 9396 section 14: only elements without a location, or with one of this route, are for this API', () => {
  const all = [
    element({ n: 1 }),
    { type: 'unknown', n: 2 },
    element({ n: 3, locations: [billing] }),
    element({ n: 4, locations: [billing, 'urn:orders'] }),
    element({ n: 5, locations: ['urn:a'] }),
    element({ n: 6, locations: orders }),
    element({ n: 7, locations: null }),
  ]
  const kept = (rule: Rule): unknown[] =>
    detailsAt(verifiedToken({ authorizationDetails: all }), rule, placed('authenticated').resource).map(({ n }) => n)
  assert.deepEqual(kept(placed('authenticated').rule), [1, 2, 4])
  assert.deepEqual(kept(placed(details({ locations: ['urn:a'] })).rule), [1, 2, 4, 5])
  assert.deepEqual(kept({ kind: 'public' }), [1, 2, 4])
})
