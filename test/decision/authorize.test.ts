import assert from 'node:assert/strict'
import { test } from 'node:test'
import { authorize, type Candidate } from '../../src/decision/authorize.ts'
import { match } from '../../src/decision/match.ts'
import type { StepReport } from '../../src/decision/step.ts'
import type { VerifiedToken } from '../../src/decision/token.ts'
import { policy, type TestRule } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

const orders = 'https://api.test/orders'

const candidate = (rule: TestRule, key = 'GET /{account}', path = '/orders/42'): Candidate => {
  const resources = policy({ indicator: orders, routes: { [key]: rule }, accept: ['urn:orders'] })
  const found = match(resources, 'api.test', path, 'GET')
  if (found.kind !== 'route' || found.match.route.rule.kind !== 'token') throw new Error(found.kind)
  return { match: found.match, rule: found.match.route.rule, credential: 'not looked at' }
}

const judge = (rule: TestRule, change: Partial<VerifiedToken>, now = 1000): string => {
  const outcome = authorize(candidate(rule), verifiedToken(change), now, 30)
  return outcome.ok ? 'granted' : outcome.refusal.reason
}

const audiences: readonly (readonly [string, readonly string[], string])[] = [
  ['the indicator', [orders], 'granted'],
  ['the indicator among others', ['urn:x', orders], 'granted'],
  ['an accepted spelling', ['urn:orders'], 'granted'],
  ['none', [], 'audience_missing'],
  ['a trailing slash', [`${orders}/`], 'audience_mismatch'],
  ['another case of the host', ['https://API.test/orders'], 'audience_mismatch'],
  ['the default port', ['https://api.test:443/orders'], 'audience_mismatch'],
  ['another scheme', ['http://api.test/orders'], 'audience_mismatch'],
  ['the parent', ['https://api.test/'], 'audience_mismatch'],
  ['a child', [`${orders}/42`], 'audience_mismatch'],
  ['a sibling', ['https://api.test/billing'], 'audience_mismatch'],
  ['a prefix of it', ['https://api.test/order'], 'audience_mismatch'],
  ['a longer name', [`${orders}.evil.test`], 'audience_mismatch'],
  ['percent-encoding', ['https://api.test/%6frders'], 'audience_mismatch'],
  ['two joined by a comma', [`${orders},https://a`], 'audience_mismatch'],
  ['two joined by a space', [`${orders} https://a`], 'audience_mismatch'],
  ['a star', ['*'], 'audience_mismatch'],
  ['a homoglyph', ['https://api.test/оrders'], 'audience_mismatch'],
  ['NFD', ['https://api.test/orders\u0301'], 'audience_mismatch'],
  ['the name of the resource', ['resource-0'], 'audience_mismatch'],
]
for (const [what, audience, expected] of audiences) {
  test(`RI-4, RI-6, RI-7, RI-8, RI-9, RI-15: an audience that is ${what} is ${expected}`, () => {
    assert.equal(judge('orders:read', { audience }), expected)
  })
}

const scopes: readonly (readonly [string, TestRule, readonly string[], string])[] = [
  ['all of two', 'orders:read orders:write', ['orders:write', 'orders:read'], 'granted'],
  ['one of two', 'orders:read orders:write', ['orders:read'], 'scope_insufficient'],
  ['a longer one', 'orders:read', ['orders:reader'], 'scope_insufficient'],
  ['a shorter one', 'orders:read', ['orders'], 'scope_insufficient'],
  ['another case', 'orders:read', ['Orders:Read'], 'scope_insufficient'],
  ['a wildcard', 'orders:read', ['orders:*'], 'scope_insufficient'],
  ['a full-width colon', 'orders:read', ['orders：read'], 'scope_insufficient'],
  ['none at all', 'orders:read', [], 'scope_insufficient'],
  ['none where none is needed', 'authenticated', [], 'granted'],
  ['the second of any_scope', { anyScope: ['a', 'b'] }, ['b'], 'granted'],
  ['none of any_scope', { anyScope: ['a', 'b'] }, ['c'], 'scope_insufficient'],
  ['any_scope without the scopes beside it', { scopes: ['c'], anyScope: ['a', 'b'] }, ['a'], 'scope_insufficient'],
]
for (const [what, rule, got, expected] of scopes) {
  test(`BR-13, BR-17: ${what} is ${expected}`, () => assert.equal(judge(rule, { scopes: got }), expected))
}

test('RI-14: a scope never makes up for an audience', () => {
  assert.equal(
    judge('orders:read', { audience: ['https://api.test/billing'], scopes: ['orders:read'] }),
    'audience_mismatch',
  )
})

test('AT-5, AT-6: a token of an issuer that does not count here is refused, whatever its audience', () => {
  assert.equal(judge('orders:read', { issuer: 'other' }), 'issuer_untrusted')
})

test('AT-8, RI-12: expiry is judged again on every request, and the instant itself is expired', () => {
  assert.equal(judge('orders:read', { expiresAt: 1000 }, 1029.9), 'granted')
  assert.equal(judge('orders:read', { expiresAt: 1000 }, 1030), 'token_expired')
})

test('DP-12, MT-2, CN-1: a bound token does not pass as a bearer token, whatever binds it', () => {
  assert.equal(judge('orders:read', { confirmation: ['jkt'] }), 'proof_missing')
  assert.equal(judge('orders:read', { confirmation: [] }), 'proof_missing')
})

const claimRule = (value: string | number | boolean) =>
  ({ claims: [{ claim: 'account_id', oneOf: [{ kind: 'literal', value }] }] }) as const
const parameterRule = { claims: [{ claim: 'account_id', oneOf: [{ kind: 'parameter', name: 'account' }] }] } as const
const claims: readonly (readonly [string, TestRule, Record<string, unknown>, string])[] = [
  ['the same string', claimRule('gold'), { account_id: 'gold' }, 'granted'],
  ['another string', claimRule('gold'), { account_id: 'golden' }, 'claim_mismatch'],
  ['a list that holds it', claimRule('gold'), { account_id: ['silver', 'gold'] }, 'granted'],
  ['a list of lists', claimRule('gold'), { account_id: [['gold']] }, 'claim_mismatch'],
  ['the number for the string', claimRule('42'), { account_id: 42 }, 'claim_mismatch'],
  ['the number for the number', claimRule(42), { account_id: 42 }, 'granted'],
  ['the truth for the truth', claimRule(true), { account_id: true }, 'granted'],
  ['the string for the truth', claimRule(true), { account_id: 'true' }, 'claim_mismatch'],
  ['no claim', claimRule('gold'), {}, 'claim_mismatch'],
  ['the segment of the path', parameterRule, { account_id: '42' }, 'granted'],
  ['another segment', parameterRule, { account_id: '421' }, 'claim_mismatch'],
  ['an address that begins alike', claimRule('a@good'), { account_id: 'a@good@evil' }, 'claim_mismatch'],
]
for (const [what, rule, set, expected] of claims) {
  test(`claims: ${what} is ${expected}`, () => assert.equal(judge(rule, { claims: set }), expected))
}

test('claims: one of several values is enough, and every rule counts', () => {
  const literal = (value: string) => ({ kind: 'literal', value }) as const
  const rule = {
    claims: [
      { claim: 'plan', oneOf: [literal('gold'), literal('platinum')] },
      { claim: 'region', oneOf: [literal('eu')] },
    ],
  }
  assert.equal(judge(rule, { claims: { plan: 'platinum', region: 'eu' } }), 'granted')
  assert.equal(judge(rule, { claims: { plan: 'platinum', region: 'us' } }), 'claim_mismatch')
})

test('JO-28: a claim is never found on the prototype', () => {
  const rule = { claims: [{ claim: 'constructor', oneOf: [{ kind: 'literal', value: 'x' }] }] } as const
  assert.equal(judge(rule, { claims: {} }), 'claim_mismatch')
  assert.equal(
    judge(
      { claims: [{ claim: 'plan', oneOf: [{ kind: 'literal', value: 'gold' }] }] },
      {
        claims: JSON.parse('{"__proto__": {"plan": "gold"}}'),
      },
    ),
    'claim_mismatch',
  )
})

test('contract section 4: the first failure is the reason, in the order issuer, expiry, audience, binding, scope, claims', () => {
  const rule: TestRule = { scopes: ['orders:read'], claims: claimRule('gold').claims }
  const faults: readonly (readonly [Partial<VerifiedToken>, string])[] = [
    [{ issuer: 'other' }, 'issuer_untrusted'],
    [{ expiresAt: 1 }, 'token_expired'],
    [{ audience: ['urn:other'] }, 'audience_mismatch'],
    [{ confirmation: ['jkt'] }, 'proof_missing'],
    [{ scopes: [] }, 'scope_insufficient'],
    [{ claims: {} }, 'claim_mismatch'],
  ]
  for (let first = 0; first < faults.length; first++) {
    const change = Object.assign({}, ...faults.slice(first).map(([part]) => part))
    assert.equal(judge(rule, change), faults[first]?.[1])
  }
})

test('a grant carries the match and the token it was made from, and steps are told in order', () => {
  const steps: StepReport[] = []
  const subject = candidate({ scopes: ['orders:read'], claims: parameterRule.claims })
  const token = verifiedToken({ claims: { account_id: '42' } })
  const outcome = authorize(subject, token, 1000, 30, (step) => steps.push(step))
  assert.ok(outcome.ok)
  assert.equal(outcome.value.match, subject.match)
  assert.equal(outcome.value.token, token)
  assert.deepEqual(
    steps.map(({ name, ok }) => `${name} ${ok}`),
    ['issuer true', 'expiry true', 'audience true', 'sender constraint true', 'scope true', 'claim account_id true'],
  )
})

test('a refusal tells every step up to itself, what was expected and what was found', () => {
  const told = (rule: TestRule, change: Partial<VerifiedToken>): string[] => {
    const steps: StepReport[] = []
    authorize(candidate(rule), verifiedToken(change), 1000, 30, (step) => steps.push(step))
    const last = steps.at(-1)
    return [steps.map(({ name }) => name).join(' '), `${last?.expected} | ${last?.found} | ${last?.ok}`]
  }
  assert.deepEqual(told('orders:read', { issuer: 'other' }), ['issuer', 'main | other | false'])
  assert.deepEqual(told('orders:read', { expiresAt: 1 }), ['issuer expiry', 'before 1 (+30 s) | 1000 | false'])
  assert.deepEqual(told('orders:read', { audience: [] }), [
    'issuer expiry audience',
    `${orders} or urn:orders | none | false`,
  ])
  assert.deepEqual(
    told('orders:read', { confirmation: [] })[1],
    'an unbound bearer token | bound by nothing known | false',
  )
  assert.deepEqual(told('a b', { scopes: [] })[1], 'all of: a b | none | false')
  assert.deepEqual(
    told({ scopes: ['a'], anyScope: ['b', 'c'] }, { scopes: ['x'] })[1],
    'all of: a; one of: b c | x | false',
  )
  assert.deepEqual(told('authenticated', {})[1], 'none needed | orders:read | true')
  const long = told(claimRule('gold'), { claims: { account_id: 'x'.repeat(500) } })[1] ?? ''
  assert.equal(long.length, `gold |  | false`.length + 200)
})
