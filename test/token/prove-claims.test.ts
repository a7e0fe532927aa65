import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome } from '../../src/decision/refusal.ts'
import type { TokenOptions } from '../../src/token/options.ts'
import { rfc9068 } from '../../src/token/profile/rfc9068.ts'
import type { Proof } from '../../src/token/proof.ts'
import { proveClaims } from '../../src/token/prove-claims.ts'
import { AUDIENCE, createKey, goodClaims, ISSUER, issuerKeys, NOW, trustedIssuer } from '../support/tokens.ts'
import { reasonOf } from '../support/verifying.ts'

const keys = await issuerKeys([createKey('ES256', 'not asked for')])

const prove = (
  claims: Readonly<Record<string, unknown>> = {},
  { token = {}, now = NOW, generation = 0 }: { token?: Partial<TokenOptions>; now?: number; generation?: number } = {},
): Outcome<Proof> => {
  const given = Object.entries(goodClaims(claims)).filter(([, value]) => value !== undefined)
  const trusted = trustedIssuer(keys, { name: 'config-name', token })
  return proveClaims(trusted, Object.fromEntries(given), rfc9068, now, generation)
}

const proofOf = (outcome: Outcome<Proof>): Proof => {
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`)
  return outcome.value
}

test('AT-4: a proof holds the facts of the claims, under the config name and the identifier of the issuer', () => {
  const { outcome } = proofOf(prove())
  const { claims, ...facts } = outcome.value
  assert.equal(outcome.ok, true)
  assert.deepEqual(facts, {
    issuer: 'config-name',
    iss: ISSUER,
    audience: [AUDIENCE],
    scopes: ['orders:read', 'orders:write'],
    subject: 'alice',
    client: 'cli',
    expiresAt: NOW + 3600,
    scopesByAudience: undefined,
    authTime: undefined,
    acr: undefined,
    authorizationDetails: [],
    confirmation: undefined,
  })
  assert.deepEqual({ ...claims }, goodClaims())
  assert.deepEqual(keys.asked, [], 'the proof of origin is its caller’s')
})

test('the identifier is that of the config, whatever the claims say: who calls has compared them', () => {
  assert.equal(proofOf(prove({ iss: 'https://other.test/' })).outcome.value.iss, ISSUER)
})

const wrongClaims: readonly (readonly [string, Readonly<Record<string, unknown>>, string])[] = [
  ['a claim less', { sub: undefined }, 'claim_missing'],
  ['a claim of another type', { sub: 5 }, 'token_malformed'],
  ['no exp', { exp: undefined }, 'claim_missing'],
]
const untimely: readonly (readonly [Readonly<Record<string, unknown>>, string])[] = [
  [{ exp: NOW - 60 }, 'token_expired'],
  [{ nbf: NOW + 60 }, 'token_not_yet_valid'],
  [{ iat: NOW + 60 }, 'token_not_yet_valid'],
]
test('AT-4, AT-8, AT-9: the claims are judged before the times, so that no word depends on when it was asked', () => {
  for (const [times, word] of untimely) {
    assert.equal(reasonOf(prove(times)), word)
    for (const [name, claims, expected] of wrongClaims) {
      assert.equal(reasonOf(prove({ ...times, ...claims })), expected, `${name}, ${word}`)
    }
  }
})

test('the generation is passed through as it was given, and the lifetime ends with exp plus tolerance', () => {
  for (const generation of [0, 7, 1e6]) {
    const proof = proofOf(prove({ nbf: NOW - 10 }, { generation }))
    assert.equal(proof.generation, generation)
    assert.deepEqual(proof.lifetime, { validFrom: NOW - 40, endsAt: NOW + 3630 })
  }
})

test('AT-11: max_token_age of the issuer ends a token, and bounds how long its proof may be relied on', () => {
  const token = { maxTokenAgeSeconds: 600 }
  const at = (now: number) => prove({ iat: NOW }, { token, now })
  assert.deepEqual(proofOf(at(NOW)).lifetime, { validFrom: NOW - 30, endsAt: NOW + 630 })
  assert.equal(reasonOf(at(NOW + 629.9)), 'none')
  assert.equal(reasonOf(at(NOW + 630)), 'token_too_old')
  assert.equal(reasonOf(prove({ iat: NOW }, { now: NOW + 630 })), 'none')
})

test('AT-8: the tolerance is that of the issuer', () => {
  assert.equal(reasonOf(prove({ exp: NOW - 29 })), 'none')
  assert.equal(reasonOf(prove({ exp: NOW - 29 }, { token: { clockToleranceSeconds: 0 } })), 'token_expired')
})
