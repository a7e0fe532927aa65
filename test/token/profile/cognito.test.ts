import assert from 'node:assert/strict'
import { test } from 'node:test'
import { scopesAt } from '../../../src/decision/token.ts'
import { createKey } from '../../support/tokens.ts'
import { passed } from '../../support/verifying.ts'
import { BILLS, cognitoVendor } from './cognito.ts'
import { judge, shapeOf } from './judge.ts'
import { API, signed } from './vendor.ts'
import { verifyAs } from './verify-as.ts'

const key = createKey('ES256', 'es1')
const user = shapeOf(cognitoVendor.accessTokens, 'Cognito, user')
const expected = 'no typ and token_use access'

const read = async (changed: Readonly<Record<string, unknown>> = {}) => {
  const verify = await verifyAs(cognitoVendor.issuer, key)
  return passed(await verify('cognito', signed({ ...user, claims: { ...user.claims, ...changed } }, key)))
}

test('AT-3: token_use is access to the letter, and there is no typ', () => {
  assert.equal(judge('cognito', user), undefined)
  assert.deepEqual(judge('cognito', user, { token_use: 'id' }), {
    expected,
    got: 'ID token: its claim token_use is id',
  })
  for (const use of [undefined, null, 'Access', 'refresh', ['access']]) {
    assert.match(judge('cognito', user, { token_use: use })?.got ?? '', /^another kind: /, String(use))
  }
  for (const typ of ['JWT', 'at+jwt', null]) {
    assert.equal(judge('cognito', { ...user, header: { typ } })?.expected, expected, String(typ))
  }
  for (const claim of ['nonce', 'at_hash', 'c_hash', 's_hash', 'events', 'token_introspection']) {
    assert.equal(judge('cognito', user, { [claim]: 'x' })?.expected, expected, claim)
  }
})

test('RI-8: a scope counts at the resource whose identifier stands before it, and at no other', async () => {
  const token = await read()
  const plain = ['openid', 'aws.cognito.signin.user.admin']
  assert.deepEqual(scopesAt(token, [API]), [...plain, 'orders:read', 'orders:write'])
  assert.deepEqual(scopesAt(token, [BILLS]), [...plain, 'bills:read'])
  assert.deepEqual(scopesAt(token, [API, BILLS]), [...plain, 'orders:read', 'orders:write', 'bills:read'])
  for (const other of [`${API}/`, 'https://api.example.com', API.toUpperCase(), '', '__proto__']) {
    assert.deepEqual(scopesAt(token, [other]), plain, other)
  }
})

test('RI-4: with resource binding aud alone is the audience, whatever the scopes say', async () => {
  assert.deepEqual((await read({ aud: 'https://api.example.com/other' })).audience, ['https://api.example.com/other'])
  assert.deepEqual((await read({ aud: [] })).audience, [])
  assert.deepEqual((await read({ aud: null })).audience, [])
  assert.deepEqual((await read()).audience, [API, BILLS])
})

test('RI-6: a token with scopes of no resource server is for no resource', async () => {
  for (const scope of ['openid profile', 'aws.cognito.signin.user.admin', '', undefined]) {
    assert.deepEqual((await read({ scope })).audience, [], scope)
  }
})
