import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { Outcome, Reason } from '../../../src/decision/refusal.ts'
import { proveAnswer } from '../../../src/token/introspection/prove-answer.ts'
import { readJsonObject } from '../../../src/token/json.ts'
import type { TokenOptions } from '../../../src/token/options.ts'
import type { Proof } from '../../../src/token/proof.ts'
import { AUDIENCE, ISSUER, issuerKeys, NOW, TOKEN_OPTIONS } from '../../support/tokens.ts'
import { goodMembers, tokenOf } from './setup.ts'

const keys = await issuerKeys([])

/** @param members as the server would write them: text, or what `JSON.stringify` makes of it */
const prove = (
  members: string | Readonly<Record<string, unknown>>,
  { token = {}, now = NOW, cacheMs = 30_000 }: { token?: Partial<TokenOptions>; now?: number; cacheMs?: number } = {},
): Outcome<Proof> => {
  const text = typeof members === 'string' ? members : JSON.stringify(goodMembers(members))
  const read = readJsonObject(Buffer.from(text), 'claims')
  if (!read.ok) throw new Error('the test is wrong: no JSON')
  const trusted = {
    name: 'main',
    issuer: ISSUER,
    token: { ...TOKEN_OPTIONS, ...token },
    keys,
    decryption: undefined,
    introspection: undefined,
  }
  return proveAnswer(trusted, cacheMs, read.value, NOW, now, 7)
}

const reasonOf = (outcome: Outcome<Proof>): Reason | 'none' => (outcome.ok ? 'none' : outcome.refusal.reason)

const passed = (outcome: Outcome<Proof>): Proof => {
  if (!outcome.ok) throw new Error(`refused: ${JSON.stringify(outcome.refusal)}`)
  return outcome.value
}

const useless = 'introspection_unavailable'

/** Member; the reason when it is absent, null, of a wrong type, and further values with theirs. */
const members: readonly (readonly [string, Reason | 'none', Reason | 'none', unknown, Reason | 'none'])[] = [
  ['iss', 'none', useless, 1, useless],
  ['sub', 'none', useless, 1, useless],
  ['aud', 'none', 'none', 1, useless],
  ['client_id', 'none', useless, ['cli'], useless],
  ['jti', 'none', useless, {}, useless],
  ['iat', 'none', useless, '1800000000', useless],
  ['nbf', 'none', useless, true, useless],
  ['exp', 'none', useless, '1900000000', useless],
  ['cnf', 'none', useless, 'jkt', useless],
  ['token_type', 'none', useless, 1, useless],
  ['authorization_details', 'none', useless, {}, useless],
  ['scope', 'none', 'none', 7, 'none'],
  ['acr', 'none', 'none', 7, 'none'],
  ['auth_time', 'none', 'none', 'today', 'none'],
]

for (const [name, absent, nothing, wrong, reason] of members) {
  test(`IN-5: ${name} absent, null and of a wrong type (attacks 1.10)`, () => {
    assert.equal(reasonOf(prove({ [name]: undefined })), absent)
    assert.equal(reasonOf(prove({ [name]: null })), nothing)
    assert.equal(reasonOf(prove({ [name]: wrong })), reason)
  })
}

test('IN-5: what is absent or not understood grants nothing: no audience, no scope, no step-up', () => {
  const token = tokenOf(passed(prove({ aud: null, scope: 7, acr: 7, auth_time: 'today', sub: undefined })))
  assert.deepEqual(
    [token.audience, token.scopes, token.acr, token.authTime, token.subject],
    [[], [], undefined, undefined, ''],
  )
})

for (const [name, change, reason] of [
  ['an iss that differs in a slash', { iss: `${ISSUER}/` }, 'issuer_untrusted'],
  ['an iss that is empty', { iss: '' }, 'issuer_untrusted'],
  ['an exp that is past', { exp: NOW - 31 }, 'token_expired'],
  ['an exp of zero', { exp: 0 }, 'token_expired'],
  ['a negative exp', { exp: -1 }, useless],
  ['an exp in milliseconds', { exp: NOW * 1000 }, useless],
  ['an nbf to come', { nbf: NOW + 31 }, 'token_not_yet_valid'],
  ['an iat to come', { iat: NOW + 31 }, 'token_not_yet_valid'],
  ['a refresh token by its token_use (AT-21)', { token_use: 'refresh_token' }, 'token_type_wrong'],
  ['a refresh token by its typ (AT-21)', { typ: 'Refresh' }, 'token_type_wrong'],
  ['an ID token by its token_use (AT-21)', { token_use: 'id' }, 'token_type_wrong'],
  ['a refresh token by its token_type (AT-21)', { token_type: 'refresh_token' }, 'token_type_wrong'],
  ['a token type that asks for a proof we do not make (CN-1)', { token_type: 'mac' }, 'token_type_wrong'],
  ['bearer in another case', { token_type: 'bEARER' }, 'none'],
  ['an access token by its token_use and typ', { token_use: 'access', typ: 'Bearer' }, 'none'],
  ['101 audiences', { aud: Array(101).fill(AUDIENCE) }, useless],
  ['members nobody knows', { sid: 'x', nonce: 'y', username: null, constructor: 1 }, 'none'],
] as const) {
  test(`IN-5: ${name}: ${reason}`, () => {
    assert.equal(reasonOf(prove(change)), reason)
  })
}

test('AT-10: an exp of 1e400 is no date, and an answer of `active` alone is a token for nobody', () => {
  assert.equal(reasonOf(prove('{"active":true,"exp":1e400}')), useless)
  const token = tokenOf(passed(prove('{"active":true}')))
  assert.deepEqual([token.audience, token.scopes, token.iss, token.expiresAt], [[], [], ISSUER, NOW + 30])
})

test('JO-28: a member named __proto__ is a claim like any other', () => {
  const { claims, audience } = tokenOf(passed(prove('{"active":true,"__proto__":{"aud":"https://api.test/orders"}}')))
  assert.deepEqual([audience, Object.hasOwn(claims, '__proto__')], [[], true])
})

test('IN-5: the claims are those of the answer: a lifetime that was assumed is none of them', () => {
  const { claims } = tokenOf(passed(prove({ exp: undefined, department: 'x' })))
  assert.deepEqual([Object.hasOwn(claims, 'exp'), claims.department], [false, 'x'])
})

test('IN-6: a proof ends at exp without tolerance, with `cache`, or with the token age, whichever is first', () => {
  for (const [change, options, endsAt] of [
    [{}, {}, NOW + 30],
    [{ exp: NOW + 29 }, {}, NOW + 29],
    [{ exp: NOW - 10 }, {}, NOW - 10],
    [{ iat: NOW - 60 }, { token: { maxTokenAgeSeconds: 40 } }, NOW + 10],
    [{ exp: undefined }, { cacheMs: 0, token: { clockToleranceSeconds: 0 } }, NOW],
  ] as const) {
    assert.equal(passed(prove(change, options)).lifetime.endsAt, endsAt)
  }
  assert.equal(passed(prove({})).generation, 7)
})

test('attacks 2.6 row 16: a proof says how much memory its claims take, which the length of the token does not', () => {
  const length = passed(prove({ groups: Array(1_000).fill('group') })).claimsLength ?? 0
  assert.ok(length > 8_000 && length < 9_000, String(length))
})

test('IN-5: an age limit holds for opaque tokens too, and needs an iat', () => {
  const token = { maxTokenAgeSeconds: 10 }
  assert.equal(reasonOf(prove({}, { token })), 'token_too_old')
  assert.equal(reasonOf(prove({ iat: undefined }, { token })), 'claim_missing')
})

test('IN-7: a bound token is bound as a JWT would be, and token_type DPoP without a key passes as nothing', () => {
  const bound = (change: Readonly<Record<string, unknown>>) => tokenOf(passed(prove(change))).confirmation
  const by = (jkt: string | undefined, certificate: string | undefined) => [jkt, certificate]
  for (const [change, methods, values] of [
    [{ cnf: { jkt: 'k' }, token_type: 'DPoP' }, ['jkt'], by('k', undefined)],
    [{ cnf: { jkt: 'k' } }, ['jkt'], by('k', undefined)],
    [{ cnf: { 'x5t#S256': 'c' } }, ['x5t#S256'], by(undefined, 'c')],
    [{ token_type: 'DPoP' }, ['token_type DPoP'], by(undefined, undefined)],
    [{ token_type: 'dpop', cnf: {} }, ['token_type DPoP'], by(undefined, undefined)],
    [{ token_type: 'DPoP', cnf: { 'x5t#S256': 'c' } }, ['x5t#S256', 'token_type DPoP'], by(undefined, undefined)],
  ] as const) {
    const confirmation = bound(change)
    assert.deepEqual([confirmation?.methods, by(confirmation?.jkt, confirmation?.certificate)], [methods, values])
  }
  assert.equal(bound({}), undefined)
})

test('scopes and client are read from the members of RFC 7662 whatever claims the vendor writes into JWTs', () => {
  const okta = tokenOf(passed(prove({}, { token: { profile: 'okta' } })))
  assert.deepEqual([okta.scopes, okta.client], [['orders:read', 'orders:write'], 'cli'])
  const renamed = { claims: { scope: 'permissions', clientId: 'app' } }
  const own = tokenOf(passed(prove({ permissions: ['p'], app: 'a' }, { token: renamed })))
  assert.deepEqual([own.scopes, own.client], [['p'], 'a'])
  const nameless = tokenOf(passed(prove({}, { token: renamed })))
  assert.deepEqual([nameless.scopes, nameless.client], [[], ''])
})
