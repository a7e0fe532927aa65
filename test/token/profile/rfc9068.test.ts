import assert from 'node:assert/strict'
import { test } from 'node:test'
import { rfc9068 } from '../../../src/token/profile/rfc9068.ts'
import { goodClaims } from '../../support/tokens.ts'

const kind = (typ: unknown, claims: Record<string, unknown> = {}) =>
  rfc9068.wrongKind(typ, Object.assign(Object.create(null), goodClaims(claims)), rfc9068)

test('AT-1, AT-2: typ is at+jwt as a media type, and nothing else passes', () => {
  for (const typ of ['at+jwt', 'AT+JWT', 'at+JWT', 'Application/at+jwt', 'application/at+jwt']) {
    assert.equal(kind(typ), undefined, typ)
  }
  const wrong = ['JWT', '', undefined, null, 5, ['at+jwt'], { typ: 'at+jwt' }, 'dpop+jwt', 'logout+jwt', 'id_token']
  for (const typ of [...wrong, 'token-introspection+jwt', 'at+jwt ', 'text/at+jwt', 'at+jwt, JWT', 'xat+jwt']) {
    assert.equal(kind(typ)?.expected, 'at+jwt', JSON.stringify(typ))
  }
})

test('AT-3: an ID token is called by its name, for the operator', () => {
  assert.deepEqual(kind('JWT'), { expected: 'at+jwt', got: 'JWT' })
  assert.deepEqual(kind(undefined), { expected: 'at+jwt', got: 'none' })
  assert.deepEqual(kind('JWT', { nonce: 'n' }), { expected: 'at+jwt', got: 'JWT, ID token: it has nonce' })
  assert.deepEqual(kind(undefined, { aud: 'cli' }), {
    expected: 'at+jwt',
    got: 'none, ID token: its audience is the client',
  })
})

test('with typ at+jwt the claims of the user session are the business of the server', () => {
  assert.equal(kind('at+jwt', { sid: 's', nonce: 'n' }), undefined)
})

test('what is shown of typ is bounded', () => {
  assert.ok((kind('x'.repeat(5000))?.got.length ?? 0) < 300)
})
