import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Scheme } from '../../src/decision/credentials.ts'
import { pass, refuse } from '../../src/decision/refusal.ts'
import { boundKey, judgeSender, type Sender, unknownSender } from '../../src/decision/sender.ts'
import type { StepReport } from '../../src/decision/step.ts'
import type { Confirmation } from '../../src/decision/token.ts'
import { verifiedToken } from '../support/verified-token.ts'

const cnf = (change: Partial<Confirmation> = {}): Confirmation => ({
  methods: [...(change.jkt === undefined ? [] : ['jkt']), ...(change.certificate === undefined ? [] : ['x5t#S256'])],
  jkt: undefined,
  certificate: undefined,
  ...change,
})

const byKey = cnf({ jkt: 'key-1' })
const byCertificate = cnf({ certificate: 'cert-1' })
const byBoth = cnf({ jkt: 'key-1', certificate: 'cert-1' })

const nobody: Sender = unknownSender
const key = (thumbprint: string): Sender => ({ proof: pass(thumbprint), certificate: undefined })
const certificate = (thumbprint: string): Sender => ({ proof: undefined, certificate: thumbprint })
const both = (thumbprint: string, hash: string): Sender => ({ proof: pass(thumbprint), certificate: hash })
const replayed: Sender = { proof: refuse({ reason: 'proof_replayed' }), certificate: undefined }

const judge = (
  scheme: Scheme,
  confirmation: Confirmation | undefined,
  sender: Sender,
  senderConstrained = false,
): string => {
  const refusal = judgeSender({ scheme, senderConstrained }, verifiedToken({ confirmation }), sender)
  if (refusal === undefined) return 'good'
  return 'fault' in refusal ? `${refusal.reason}: ${refusal.fault}` : refusal.reason
}

type Case = readonly [string, Scheme, Confirmation | undefined, Sender, string]
const unbound = 'binding_mismatch: an unbound token under the DPoP scheme'
const other = 'binding_mismatch: a proof by another key'
const otherCertificate = 'binding_mismatch: another client certificate'
const notByKey = 'binding_mismatch: a token that is not bound to a key under the DPoP scheme'

const cases: readonly Case[] = [
  ['BR-1: an unbound token as Bearer', 'Bearer', undefined, nobody, 'good'],
  ['BR-1: an unbound token as Bearer, beside a proof and a certificate', 'Bearer', undefined, both('k', 'c'), 'good'],
  ['DP-11: an unbound token under DPoP', 'DPoP', undefined, nobody, unbound],
  ['DP-11: an unbound token under DPoP with a good proof', 'DPoP', undefined, key('key-1'), unbound],
  ['DP-11: an unbound token under DPoP with a certificate', 'DPoP', undefined, certificate('cert-1'), unbound],
  ['DP-10: a proof by the key of the token', 'DPoP', byKey, key('key-1'), 'good'],
  ['DP-10: a proof by another key', 'DPoP', byKey, key('key-2'), other],
  ['DP-10: a thumbprint that begins alike', 'DPoP', byKey, key('key-11'), other],
  ['DP-10: a thumbprint in another case', 'DPoP', byKey, key('KEY-1'), other],
  ['DP-14: a proof that is no good', 'DPoP', byKey, replayed, 'proof_replayed'],
  ['DP-12: a bound token under DPoP without a proof', 'DPoP', byKey, nobody, 'proof_missing'],
  ['DP-12: a bound token as Bearer', 'Bearer', byKey, nobody, 'proof_missing'],
  ['DP-12: a bound token as Bearer with its proof', 'Bearer', byKey, key('key-1'), 'proof_missing'],
  ['DP-12: a token bound by key with a certificate only', 'Bearer', byKey, certificate('key-1'), 'proof_missing'],
  ['MT-1: the certificate of the token', 'Bearer', byCertificate, certificate('cert-1'), 'good'],
  ['MT-2: no certificate', 'Bearer', byCertificate, nobody, 'proof_missing'],
  ['MT-2: another certificate', 'Bearer', byCertificate, certificate('cert-2'), otherCertificate],
  ['MT-1: the hash with padding', 'Bearer', byCertificate, certificate('cert-1='), otherCertificate],
  ['MT-2: a proof in place of the certificate', 'Bearer', byCertificate, key('cert-1'), 'proof_missing'],
  ['DP-11: a token bound by certificate alone, under DPoP', 'DPoP', byCertificate, both('key-1', 'cert-1'), notByKey],
  ['CN-1: both bindings, both proven', 'DPoP', byBoth, both('key-1', 'cert-1'), 'good'],
  ['CN-1: both bindings, the key alone proven', 'DPoP', byBoth, key('key-1'), 'proof_missing'],
  ['CN-1: both bindings, the certificate alone proven', 'DPoP', byBoth, certificate('cert-1'), 'proof_missing'],
  ['CN-1: both bindings as Bearer with the certificate', 'Bearer', byBoth, certificate('cert-1'), 'proof_missing'],
  ['CN-1: both bindings, another certificate', 'DPoP', byBoth, both('key-1', 'cert-2'), otherCertificate],
  ['CN-1: both bindings, another key', 'DPoP', byBoth, both('key-2', 'cert-1'), other],
  ['CN-1: an empty cnf', 'Bearer', cnf(), nobody, 'proof_missing'],
  ['CN-1: an empty cnf with everything proven', 'DPoP', cnf(), both('key-1', 'cert-1'), 'proof_missing'],
  ['CN-1: a method nobody knows', 'Bearer', cnf({ methods: ['x'] }), both('k', 'c'), 'proof_missing'],
  ['CN-1: a method nobody knows, under DPoP', 'DPoP', cnf({ methods: ['x'] }), key('k'), 'proof_missing'],
  [
    'RFC 7800 section 3.1: a method nobody knows beside one that is proven',
    'DPoP',
    cnf({ jkt: 'key-1', methods: ['kid', 'jkt'] }),
    key('key-1'),
    'good',
  ],
  [
    'CN-1: a `jkt` that is no text does not vanish behind a good certificate',
    'Bearer',
    cnf({ certificate: 'cert-1', methods: ['jkt', 'x5t#S256'] }),
    certificate('cert-1'),
    'proof_missing',
  ],
  [
    'CN-1: an `x5t#S256` that is no text does not vanish behind a good proof',
    'DPoP',
    cnf({ jkt: 'key-1', methods: ['jkt', 'x5t#S256'] }),
    key('key-1'),
    'proof_missing',
  ],
]
for (const [what, scheme, confirmation, sender, expected] of cases) {
  test(`${what} is ${expected}`, () => {
    assert.equal(judge(scheme, confirmation, sender), expected)
    // Where binding is required, only what is unbound fares worse.
    const where = confirmation === undefined && scheme === 'Bearer'
    const strict = where ? 'binding_mismatch: an unbound token where binding is required' : expected
    assert.equal(judge(scheme, confirmation, sender, true), strict)
  })
}

test('DP-12, CN-1: proof_missing names every method of the token', () => {
  const missing = (confirmation: Confirmation) =>
    judgeSender({ scheme: 'Bearer', senderConstrained: false }, verifiedToken({ confirmation }), nobody)
  assert.deepEqual(missing(byBoth), { reason: 'proof_missing', methods: ['jkt', 'x5t#S256'] })
  assert.deepEqual(missing(cnf({ methods: ['x'] })), { reason: 'proof_missing', methods: ['x'] })
})

test('DP-15: a proof is looked at under the DPoP scheme and for a token with a key only', () => {
  const asked = (scheme: Scheme, confirmation?: Confirmation) => boundKey(scheme, verifiedToken({ confirmation }))
  assert.equal(asked('DPoP', byKey), 'key-1')
  assert.equal(asked('DPoP', byBoth), 'key-1')
  assert.equal(asked('Bearer', byKey), undefined)
  assert.equal(asked('DPoP', byCertificate), undefined)
  assert.equal(asked('DPoP'), undefined)
})

test('the step tells what was expected of the sender and what was found', () => {
  const told = (scheme: Scheme, confirmation: Confirmation | undefined, sender: Sender, senderConstrained = false) => {
    const steps: StepReport[] = []
    judgeSender({ scheme, senderConstrained }, verifiedToken({ confirmation }), sender, (step) => steps.push(step))
    return steps.map(({ name, expected, found, ok }) => `${name}: ${expected} | ${found} | ${ok}`).join()
  }
  assert.equal(told('Bearer', undefined, nobody), 'sender constraint: an unbound bearer token | one | true')
  assert.equal(
    told('Bearer', undefined, nobody, true),
    'sender constraint: a token that is bound to its sender | an unbound token where binding is required | false',
  )
  assert.equal(
    told('DPoP', undefined, nobody),
    'sender constraint: a token that is bound to its sender | an unbound token under the DPoP scheme | false',
  )
  assert.equal(told('DPoP', byKey, key('key-1')), 'sender constraint: a proof for cnf jkt | a good one | true')
  assert.equal(told('DPoP', byKey, nobody), 'sender constraint: a proof for cnf jkt | proof_missing | false')
  assert.equal(told('Bearer', cnf(), nobody), 'sender constraint: a proof for cnf (empty) | proof_missing | false')
  assert.equal(
    told('DPoP', byBoth, both('key-1', 'cert-2')),
    'sender constraint: a proof for cnf jkt, x5t#S256 | another client certificate | false',
  )
})
