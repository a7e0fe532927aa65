import assert from 'node:assert/strict'
import { test } from 'node:test'
import { address, authorize, type Candidate } from '../../src/decision/authorize.ts'
import type { Scheme } from '../../src/decision/credentials.ts'
import { match } from '../../src/decision/match.ts'
import { pass } from '../../src/decision/refusal.ts'
import { type Sender, unknownSender } from '../../src/decision/sender.ts'
import type { Step, StepReport } from '../../src/decision/step.ts'
import type { Confirmation, VerifiedToken } from '../../src/decision/token.ts'
import { policy, type TestRule } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

const orders = 'https://api.test/orders'

const candidate = (rule: TestRule, scheme: Scheme = 'Bearer'): Candidate => {
  const routes = { 'GET /{account}': rule }
  const resources = policy({ indicator: orders, issuers: ['main', 'second'], routes, accept: ['urn:orders'] })
  const found = match(resources, 'api.test', '/orders/42', 'GET')
  if (found.kind !== 'route' || found.match.route.rule.kind !== 'token') throw new Error(found.kind)
  return { match: found.match, rule: found.match.route.rule, scheme, credential: 'not looked at' }
}

interface Asked {
  readonly scheme?: Scheme
  readonly sender?: Sender
  readonly now?: number
  readonly step?: Step
}

/** Both halves, one after the other. */
const decide = (
  rule: TestRule,
  token: VerifiedToken,
  { scheme, sender = unknownSender, now = 1000, step }: Asked = {},
) => {
  const addressed = address(candidate(rule, scheme), token, now, 30, step)
  return addressed.ok ? authorize(addressed.value, sender, now, 30, step) : addressed
}

const judge = (rule: TestRule, change: Partial<VerifiedToken>, asked?: Asked): string => {
  const outcome = decide(rule, verifiedToken(change), asked)
  return outcome.ok ? 'granted' : outcome.refusal.reason
}

const byKey: Confirmation = { methods: ['jkt'], jkt: 'key-1', certificate: undefined }
const proven: Sender = { proof: pass('key-1'), certificate: undefined }

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
  ['the empty text', [''], 'audience_mismatch'],
]
for (const [what, audience, expected] of audiences) {
  test(`RI-4, RI-6, RI-7, RI-8, RI-9, RI-15: an audience that is ${what} is ${expected}`, () => {
    assert.equal(judge('orders:read', { audience }), expected)
  })
}

test('RI-14: a scope never makes up for an audience', () => {
  const billing = 'https://api.test/billing'
  assert.equal(judge('orders:read', { audience: [billing], scopes: ['orders:read'] }), 'audience_mismatch')
  // Scopes that are written for one audience do not count at another, though the token is good for both.
  const written = { scopes: [], scopesByAudience: new Map([[billing, ['orders:read']]]) }
  assert.equal(judge('orders:read', { audience: [billing, orders], ...written }), 'scope_insufficient')
})

test('AT-5, AT-6: a token of an issuer that does not count here is refused, whatever its audience', () => {
  assert.equal(judge('orders:read', { issuer: 'second' }), 'granted')
  assert.equal(judge('orders:read', { issuer: 'other' }), 'issuer_untrusted')
  const outcome = decide('orders:read', verifiedToken({ issuer: 'other', iss: 'https://other.test/' }))
  assert.deepEqual(outcome, {
    ok: false,
    refusal: {
      reason: 'issuer_untrusted',
      expected: ['main', 'second'],
      got: 'https://other.test/',
      audience: [orders],
    },
  })
})

test('AT-8, RI-12: expiry is judged again on every request, and the instant itself is expired', () => {
  assert.equal(judge('orders:read', { expiresAt: 1000 }, { now: 1029.9 }), 'granted')
  assert.equal(judge('orders:read', { expiresAt: 1000 }, { now: 1030 }), 'token_expired')
  const outcome = decide('orders:read', verifiedToken({ expiresAt: 900 }))
  assert.deepEqual(outcome, { ok: false, refusal: { reason: 'token_expired', expiredAt: 900, now: 1000 } })
})

test('RI-6: the refusal of an audience says what would have done, and what was there', () => {
  const refusalOf = (audience: readonly string[]) => decide('orders:read', verifiedToken({ audience }))
  const expected = [orders, 'urn:orders']
  assert.deepEqual(refusalOf([]), { ok: false, refusal: { reason: 'audience_missing', expected } })
  assert.deepEqual(refusalOf(['urn:x']), {
    ok: false,
    refusal: { reason: 'audience_mismatch', expected, got: ['urn:x'] },
  })
})

test('DP-11, DP-12, MT-2, CN-1: the scheme, the rule and the sender of this very request are what is judged', () => {
  assert.equal(judge('orders:read', { confirmation: byKey }), 'proof_missing')
  assert.equal(judge('orders:read', { confirmation: byKey }, { sender: proven }), 'proof_missing')
  assert.equal(judge('orders:read', { confirmation: byKey }, { scheme: 'DPoP' }), 'proof_missing')
  assert.equal(judge('orders:read', { confirmation: byKey }, { scheme: 'DPoP', sender: proven }), 'granted')
  assert.equal(judge('orders:read', {}, { scheme: 'DPoP', sender: proven }), 'binding_mismatch')
  assert.equal(judge({ senderConstrained: true }, {}), 'binding_mismatch')
  assert.equal(judge({ senderConstrained: false }, {}), 'granted')
})

const mfa = 'urn:example:mfa'
const everything: TestRule = {
  scopes: ['orders:read'],
  claims: [{ claim: 'account_id', oneOf: [{ kind: 'parameter', name: 'account' }] }],
  authorizationDetails: { type: 'payment', actions: [], locations: [] },
  acr: [mfa],
  maxAgeSeconds: 60,
}
const perfect: Partial<VerifiedToken> = {
  confirmation: byKey,
  claims: { account_id: '42' },
  authorizationDetails: [{ type: 'payment' }],
  acr: mfa,
  authTime: 990,
}
const properly: Asked = { scheme: 'DPoP', sender: proven }

/** Every check, in the order of contract section 4, with a change that it alone refuses. */
const faults: readonly (readonly [check: string, change: Partial<VerifiedToken>, reason: string, step: string])[] = [
  ['issuer', { issuer: 'other' }, 'issuer_untrusted', 'issuer'],
  ['expiry', { expiresAt: 1 }, 'token_expired', 'expiry'],
  ['audience', { audience: ['urn:other'] }, 'audience_mismatch', 'audience'],
  ['sender constraint', { confirmation: { ...byKey, jkt: 'key-2' } }, 'binding_mismatch', 'sender constraint'],
  ['scope', { scopes: [] }, 'scope_insufficient', 'scope'],
  ['authorization details', { authorizationDetails: [] }, 'scope_insufficient', 'authorization details'],
  ['claims', { claims: {} }, 'claim_mismatch', 'claim account_id'],
  ['acr', { acr: 'x' }, 'authentication_insufficient', 'acr'],
  ['auth_time', { authTime: 1 }, 'authentication_insufficient', 'auth_time'],
]

test('a token that has everything is granted, and every check is told in the order of the contract', () => {
  const steps: string[] = []
  const step: Step = ({ name, ok }) => steps.push(`${name} ${ok}`)
  assert.equal(judge(everything, perfect, { ...properly, step }), 'granted')
  assert.deepEqual(
    steps,
    faults.map(([, , , name]) => `${name} true`),
  )
})

for (const [index, [check, change, reason, name]] of faults.entries()) {
  test(`contract section 4: what fails ${check} alone is ${reason}`, () => {
    const steps: StepReport[] = []
    assert.equal(
      judge(everything, { ...perfect, ...change }, { ...properly, step: (told) => steps.push(told) }),
      reason,
    )
    assert.equal(steps.at(-1)?.name, name)
    assert.equal(steps.at(-1)?.ok, false)
    assert.equal(steps.length, index + 1)
  })
  for (const [laterCheck, laterChange] of faults.slice(index + 1)) {
    test(`contract section 4: what fails ${check} and ${laterCheck} answers for ${check}`, () => {
      const steps: StepReport[] = []
      const change2 = { ...perfect, ...laterChange, ...change }
      assert.equal(judge(everything, change2, { ...properly, step: (told) => steps.push(told) }), reason)
      assert.equal(steps.at(-1)?.name, name)
    })
  }
}

test('SU-4: a token for another resource learns nothing of what this one asks of its users', () => {
  assert.equal(judge({ acr: [mfa] }, { audience: ['urn:other'] }), 'audience_mismatch')
})

test('a grant carries the match and the token it was made from', () => {
  const subject = candidate('orders:read')
  const token = verifiedToken()
  const addressed = address(subject, token, 1000, 30)
  assert.ok(addressed.ok)
  assert.equal(addressed.value.candidate, subject)
  assert.equal(addressed.value.token, token)
  const outcome = authorize(addressed.value, unknownSender, 1000, 30)
  assert.ok(outcome.ok)
  assert.equal(outcome.value.match, subject.match)
  assert.equal(outcome.value.token, token)
})

test('the steps of the first half tell what was expected and what was found', () => {
  const told = (change: Partial<VerifiedToken>): string => {
    const steps: StepReport[] = []
    decide('orders:read', verifiedToken(change), { step: (step) => steps.push(step) })
    const last = steps.at(-1)
    return `${steps.length}: ${last?.expected} | ${last?.found} | ${last?.ok}`
  }
  assert.equal(told({ issuer: 'other' }), '1: main or second | other | false')
  assert.equal(told({ expiresAt: 1 }), '2: before 1 (+30 s) | 1000 | false')
  assert.equal(told({ audience: [] }), `3: ${orders} or urn:orders | none | false`)
  assert.equal(told({ audience: ['urn:a', 'urn:b'] }), `3: ${orders} or urn:orders | urn:a, urn:b | false`)
})

test('RFC 9470: the tolerance of the issuer is that of auth_time too', () => {
  assert.equal(judge({ maxAgeSeconds: 60 }, { authTime: 910 }), 'granted')
  assert.equal(judge({ maxAgeSeconds: 60 }, { authTime: 909 }), 'authentication_insufficient')
})
