import assert from 'node:assert/strict'
import { test } from 'node:test'
import { MAX_KID_LENGTH, readHeader } from '../../src/token/header.ts'
import { reasonOf } from '../support/verifying.ts'

const read = (members: Record<string, unknown>) => readHeader(Object.assign(Object.create(null), members))

test('JO-11: crit is refused in every form, since no extension is understood', () => {
  const forms = [['exp'], ['b64'], ['alg'], ['x'], [], ['x', 'x'], [5], 'exp', null, {}, 0]
  for (const crit of forms) {
    assert.equal(reasonOf(read({ alg: 'ES256', crit, exp: 1, x: 1 })), 'token_malformed', JSON.stringify(crit))
  }
})

test('JO-12: b64 is refused, true or false, with crit or without', () => {
  for (const b64 of [false, true, 'false', null]) assert.equal(reasonOf(read({ alg: 'ES256', b64 })), 'token_malformed')
  assert.equal(reasonOf(read({ alg: 'ES256', b64: false, crit: ['b64'] })), 'token_malformed')
})

test('JO-20: cty of a nested token is refused in every spelling, other content types pass', () => {
  for (const cty of ['JWT', 'jwt', 'application/JWT', 'at+jwt', 'application/at+jwt', null, 5, ['JWT']]) {
    assert.equal(reasonOf(read({ alg: 'ES256', cty })), 'token_malformed', JSON.stringify(cty))
  }
  assert.ok(read({ alg: 'ES256', cty: 'json' }).ok)
})

test('JO-9: kid is a string of bounded length and otherwise opaque', () => {
  for (const kid of [1, null, ['rs1'], {}, true, 'k'.repeat(MAX_KID_LENGTH + 1), 'k'.repeat(10_000)]) {
    assert.equal(reasonOf(read({ alg: 'ES256', kid })), 'token_malformed', JSON.stringify(kid))
  }
  for (const kid of ['', '../../x', "' OR 1", '__proto__', 'a\r\nb', 'k'.repeat(MAX_KID_LENGTH)]) {
    const outcome = read({ alg: 'ES256', kid })
    assert.ok(outcome.ok)
    assert.equal(outcome.value.kid, kid)
  }
})

test('JO-10: a header gives alg, typ and kid and nothing else', () => {
  const outcome = read({
    alg: 'ES256',
    typ: 'at+jwt',
    kid: 'k',
    jwk: {},
    jku: 'https://evil.test',
    x5u: 'x',
    x5c: [],
    zip: 'DEF',
  })
  assert.ok(outcome.ok)
  assert.deepEqual(outcome.value, { alg: 'ES256', typ: 'at+jwt', kid: 'k' })
})
