import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Candidate, Grant } from '../../src/decision/authorize.ts'
import type { Scheme } from '../../src/decision/credentials.ts'
import { match } from '../../src/decision/match.ts'
import { type Outcome, pass, refuse } from '../../src/decision/refusal.ts'
import type { StepReport } from '../../src/decision/step.ts'
import type { Confirmation, VerifiedToken } from '../../src/decision/token.ts'
import { judge } from '../../src/http/judge.ts'
import { policy, type TestRule } from '../support/policy.ts'
import { verifiedToken } from '../support/verified-token.ts'

const ORDERS = 'https://api.test/orders'
const NOW = 1000

const candidate = (scheme: Scheme, rule: TestRule = 'authenticated'): Candidate => {
  const found = match(policy({ indicator: ORDERS, otherwise: rule }), 'api.test', '/orders/42', 'GET')
  if (found.kind !== 'route' || found.match.route.rule.kind !== 'token') throw new Error(found.kind)
  return { match: found.match, rule: found.match.route.rule, scheme, credential: 'not looked at' }
}

const byKey: Confirmation = { methods: ['jkt'], jkt: 'key-1', certificate: undefined }
const byCertificate: Confirmation = { methods: ['x5t#S256'], jkt: undefined, certificate: 'cert-1' }
const byBoth: Confirmation = { methods: ['jkt', 'x5t#S256'], jkt: 'key-1', certificate: 'cert-1' }
const unknown: Confirmation = { methods: ['kid'], jkt: undefined, certificate: undefined }

type Proof = Outcome<string> | Promise<Outcome<string>>

/** Judges with evidence that notes what was asked of it. */
const stage = (
  scheme: Scheme,
  token: Partial<VerifiedToken>,
  {
    proof = pass('key-1'),
    certificate = 'cert-1',
    rule,
  }: { proof?: Proof; certificate?: string; rule?: TestRule } = {},
) => {
  const asked: string[] = []
  const steps: StepReport[] = []
  const evidence = {
    certificate: () => {
      asked.push('certificate')
      return certificate
    },
    proof: (boundTo: string) => {
      asked.push(`proof by ${boundTo}`)
      return proof
    },
  }
  const proven = verifiedToken(token)
  const outcome = judge(candidate(scheme, rule), proven, evidence, NOW, 30, (step) => steps.push(step))
  return { outcome, asked, proven, steps: () => steps.map(({ name, ok }) => `${name} ${ok}`) }
}

const wordOf = (outcome: Outcome<Grant>): string => (outcome.ok ? 'granted' : outcome.refusal.reason)

const evidenceCases: readonly (readonly [Scheme, Confirmation | undefined, readonly string[], string])[] = [
  ['Bearer', undefined, [], 'granted'],
  ['DPoP', undefined, [], 'binding_mismatch'],
  ['DPoP', byKey, ['proof by key-1'], 'granted'],
  ['Bearer', byKey, [], 'proof_missing'],
  ['Bearer', byCertificate, ['certificate'], 'granted'],
  ['DPoP', byCertificate, ['certificate'], 'binding_mismatch'],
  ['DPoP', byBoth, ['certificate', 'proof by key-1'], 'granted'],
  ['Bearer', byBoth, ['certificate'], 'proof_missing'],
  ['DPoP', unknown, [], 'proof_missing'],
  ['Bearer', unknown, [], 'proof_missing'],
]
for (const [scheme, confirmation, expected, word] of evidenceCases) {
  const bound = confirmation === undefined ? 'an unbound token' : `one bound by ${confirmation.methods.join(' and ')}`
  test(`DP-15, MT-2: of ${bound} under ${scheme}: asks for ${expected.join(' and ') || 'nothing'}, ${word}`, () => {
    const { outcome, asked } = stage(scheme, { confirmation })
    assert.ok(!(outcome instanceof Promise), 'what needs no promise is told without one')
    assert.equal(wordOf(outcome), word)
    assert.deepEqual(asked, expected)
  })
}

const strangers: readonly (readonly [string, Partial<VerifiedToken>, string])[] = [
  ['another resource', { audience: ['https://api.test/billing'] }, 'audience_mismatch'],
  ['no resource', { audience: [] }, 'audience_missing'],
  ['another issuer', { issuer: 'second' }, 'issuer_untrusted'],
  ['yesterday', { expiresAt: NOW - 30 }, 'token_expired'],
]
for (const [whose, token, word] of strangers) {
  test(`DP-15: for a token of ${whose} neither proof nor certificate is asked for, so that no jti of it is used up`, () => {
    const { outcome, asked, steps } = stage('DPoP', { ...token, confirmation: byBoth })
    assert.ok(!(outcome instanceof Promise))
    assert.equal(wordOf(outcome), word)
    assert.deepEqual(asked, [])
    assert.ok(steps().at(-1)?.endsWith(' false'), steps().join())
    assert.ok(!steps().some((step) => step.startsWith('sender constraint')), steps().join())
  })
}

const answers: readonly (readonly [string, Outcome<string>, string | undefined, string])[] = [
  ['good', pass('key-1'), 'cert-1', 'granted'],
  ['by another key', pass('key-2'), 'cert-1', 'binding_mismatch'],
  ['a replay', refuse({ reason: 'proof_replayed' }), 'cert-1', 'proof_replayed'],
  ['good, under another certificate', pass('key-1'), 'cert-2', 'binding_mismatch'],
]
for (const [how, proof, certificate, word] of answers) {
  test(`DP-10, DP-12: a proof that is ${how} is ${word}, with a promise if the proof is one and without if not`, async () => {
    const options = certificate === undefined ? {} : { certificate }
    const now = stage('DPoP', { confirmation: byBoth }, { proof, ...options })
    assert.ok(!(now.outcome instanceof Promise))
    assert.equal(wordOf(now.outcome), word)
    const later = stage('DPoP', { confirmation: byBoth }, { proof: Promise.resolve(proof), ...options })
    assert.ok(later.outcome instanceof Promise)
    assert.deepEqual(
      await later.outcome,
      now.outcome.ok ? pass({ ...now.outcome.value, token: later.proven }) : now.outcome,
    )
    assert.deepEqual(later.asked, now.asked)
    assert.deepEqual(later.steps(), now.steps())
  })
}

test('contract section 4: with a good proof the scopes still count, now and later; the grant holds the token and the match', async () => {
  const rule = 'orders:write'
  for (const proof of [pass('key-1'), Promise.resolve(pass('key-1'))]) {
    assert.equal(wordOf(await stage('DPoP', { confirmation: byKey }, { proof, rule }).outcome), 'scope_insufficient')
    const { outcome, proven } = stage('DPoP', { confirmation: byKey, scopes: [rule] }, { proof, rule })
    const granted = await outcome
    assert.ok(granted.ok)
    assert.equal(granted.value.token, proven)
    assert.equal(granted.value.match.suffix, '/42')
  }
})

test('AT-8: the clock tolerance is the one that was passed on', () => {
  assert.equal(wordOf(settled(stage('Bearer', { expiresAt: NOW - 29 }).outcome)), 'granted')
  assert.equal(wordOf(settled(stage('Bearer', { expiresAt: NOW - 30 }).outcome)), 'token_expired')
})

const settled = (outcome: Outcome<Grant> | Promise<Outcome<Grant>>): Outcome<Grant> => {
  if (outcome instanceof Promise) throw new Error('a promise')
  return outcome
}
