import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { StepReport } from '../../src/decision/step.ts'
import { judgeAuthentication } from '../../src/decision/step-up.ts'
import type { VerifiedToken } from '../../src/decision/token.ts'
import { policy } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

interface Wanted {
  readonly acr?: readonly string[]
  readonly maxAgeSeconds?: number
}

const judge = (wanted: Wanted, change: Partial<VerifiedToken>, now = 10_000) => {
  const [route] = policy({ indicator: 'https://h.test', routes: { 'GET /': wanted } }).all[0]?.all ?? []
  if (route?.rule.kind !== 'token') throw new Error('no token rule')
  const steps: StepReport[] = []
  const refusal = judgeAuthentication(route.rule, verifiedToken(change), now, 30, (step) => steps.push(step))
  return { refusal, steps: steps.map(({ name, ok }) => `${name} ${ok}`).join(' ') }
}

const mfa = 'urn:example:mfa'
const cases: readonly (readonly [string, Wanted, Partial<VerifiedToken>, string])[] = [
  ['nothing is asked for', {}, {}, ''],
  ['SU-5: the one value', { acr: [mfa] }, { acr: mfa }, 'acr true'],
  ['SU-5: the second of two values', { acr: ['x', mfa] }, { acr: mfa }, 'acr true'],
  ['SU-5: a "higher" value that is not listed', { acr: ['1', '2'] }, { acr: '3' }, 'acr false'],
  ['SU-5: a longer value', { acr: [mfa] }, { acr: `${mfa}:hw` }, 'acr false'],
  ['SU-5: a shorter value', { acr: [mfa] }, { acr: 'urn:example' }, 'acr false'],
  ['SU-5: another case', { acr: [mfa] }, { acr: mfa.toUpperCase() }, 'acr false'],
  ['SU-5: both values in one text', { acr: ['a', 'b'] }, { acr: 'a b' }, 'acr false'],
  ['SU-3: no acr', { acr: [mfa] }, {}, 'acr false'],
  ['SU-3: an empty acr', { acr: [mfa] }, { acr: '' }, 'acr false'],
  ['SU-3: fresh', { maxAgeSeconds: 300 }, { authTime: 9_900 }, 'auth_time true'],
  ['SU-3: just fresh enough, with leeway', { maxAgeSeconds: 300 }, { authTime: 9_670 }, 'auth_time true'],
  ['SU-3: a second too old', { maxAgeSeconds: 300 }, { authTime: 9_669 }, 'auth_time false'],
  ['SU-3: no auth_time, or no number', { maxAgeSeconds: 300 }, {}, 'auth_time false'],
  ['SU-3: the year 1970', { maxAgeSeconds: 300 }, { authTime: 0 }, 'auth_time false'],
  ['SU-3: max_age 0 with a login just now', { maxAgeSeconds: 0 }, { authTime: 10_000 }, 'auth_time true'],
  ['SU-3: max_age 0 with leeway', { maxAgeSeconds: 0 }, { authTime: 9_970 }, 'auth_time true'],
  ['SU-3: max_age 0 and a second more', { maxAgeSeconds: 0 }, { authTime: 9_969 }, 'auth_time false'],
  ['SU-3: a clock that is a little ahead', { maxAgeSeconds: 300 }, { authTime: 10_030 }, 'auth_time true'],
  ['SU-3: an instant to come', { maxAgeSeconds: 300 }, { authTime: 10_031 }, 'auth_time false'],
  ['both are met', { acr: [mfa], maxAgeSeconds: 60 }, { acr: mfa, authTime: 10_000 }, 'acr true auth_time true'],
  ['the age alone is not met', { acr: [mfa], maxAgeSeconds: 60 }, { acr: mfa }, 'acr true auth_time false'],
  ['acr alone is not met', { acr: [mfa], maxAgeSeconds: 60 }, { authTime: 10_000 }, 'acr false'],
]
for (const [what, wanted, change, expected] of cases) {
  test(`RFC 9470, ${what}: ${expected || 'no step'}`, () => {
    const { refusal, steps } = judge(wanted, change)
    assert.equal(steps, expected)
    assert.equal(refusal?.reason, expected.includes('false') ? 'authentication_insufficient' : undefined)
  })
}

test('SU-1: the refusal says which of the two is unmet, what was expected and what was found', () => {
  const reason = 'authentication_insufficient'
  assert.deepEqual(judge({ acr: ['a', 'b'] }, { acr: 'c' }).refusal, {
    reason,
    claim: 'acr',
    expected: 'a or b',
    got: 'c',
  })
  assert.deepEqual(judge({ acr: ['a'] }, {}).refusal, { reason, claim: 'acr', expected: 'a', got: 'none' })
  const expected = 'at most 60 s ago (+30 s)'
  const aged = (authTime?: number) => judge({ maxAgeSeconds: 60 }, { authTime }).refusal
  assert.deepEqual(aged(9_000.4), { reason, claim: 'auth_time', expected, got: '1000 s ago' })
  assert.deepEqual(aged(), { reason, claim: 'auth_time', expected, got: 'none' })
})

test('AT-17: how old the token itself is does not count', () => {
  assert.equal(judge({ maxAgeSeconds: 60 }, { authTime: 9_990, claims: { iat: 1 } }).refusal, undefined)
  assert.equal(
    judge({ maxAgeSeconds: 60 }, { authTime: 1, claims: { iat: 9_990 } }).refusal?.reason,
    'authentication_insufficient',
  )
})
