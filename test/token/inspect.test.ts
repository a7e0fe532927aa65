import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { inspect } from '../../src/token/inspect.ts'
import { AUDIENCE, base64url, createKey, mint } from '../support/tokens.ts'

const key = createKey('ES256', 'es1')

test('a JWS is shown whole, proven or not, and however badly it is spelled', () => {
  const token = mint({ key })
  for (const spelling of [token, `${token}x`, token.replace(/\.[^.]*$/, '.'), `${token}==`]) {
    const { parts, header, claims } = inspect(spelling)
    assert.equal(parts, 3)
    assert.equal(header?.typ, 'at+jwt')
    assert.equal(claims?.aud, AUDIENCE)
  }
})

test('a JWE shows its header only, an opaque token nothing', () => {
  const jwe = `${base64url('{"alg":"RSA-OAEP-256","enc":"A128GCM"}')}.a.b.c.d`
  assert.equal(inspect(jwe).parts, 5)
  assert.equal(inspect(jwe).header?.enc, 'A128GCM')
  assert.equal(inspect(jwe).claims, undefined)
  assert.deepEqual(inspect('opaque-word'), { parts: 1, header: undefined, claims: undefined })
  assert.deepEqual(inspect('.'.repeat(100_000)), { parts: 6, header: undefined, claims: undefined })
})

test('what is not a JSON object is not shown, and __proto__ is a name like any other', () => {
  for (const text of ['[]', '5', 'null', '"x"', '', '{'])
    assert.equal(inspect(mint({ key, claims: text })).claims, undefined)
  const { claims } = inspect(mint({ key, claims: '{"__proto__":{"scope":"admin"}}' }))
  assert.equal(claims?.scope, undefined)
})

test('random strings never throw', () => {
  fc.assert(fc.property(fc.string({ unit: 'binary' }), (text) => inspect(text).parts >= 1))
  fc.assert(fc.property(fc.string(), fc.string(), (a, b) => inspect(`${base64url(a)}.${base64url(b)}.`).parts === 3))
})
