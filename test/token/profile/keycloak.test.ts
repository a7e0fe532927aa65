import assert from 'node:assert/strict'
import { test } from 'node:test'
import { claimAt } from '../../../src/decision/claim-rule.ts'
import { createKey } from '../../support/tokens.ts'
import { passed } from '../../support/verifying.ts'
import { judge, shapeOf } from './judge.ts'
import { keycloakVendor } from './keycloak.ts'
import { signed } from './vendor.ts'
import { verifyAs } from './verify-as.ts'

const user = shapeOf(keycloakVendor.accessTokens, 'Keycloak, user')
const bound = shapeOf(keycloakVendor.accessTokens, 'Keycloak, bound to a key')
const expected = 'typ JWT with the claim typ Bearer'

test('AT-3: the claim typ is Bearer to the letter, and what else it is goes to the operator', () => {
  const cases: readonly (readonly [unknown, string])[] = [
    ['ID', 'ID token: its claim typ is ID'],
    ['Refresh', 'another kind: its claim typ is Refresh'],
    ['Offline', 'another kind: its claim typ is Offline'],
    ['Logout', 'another kind: its claim typ is Logout'],
    ['bearer', 'another kind: its claim typ is bearer'],
    ['', 'another kind: its claim typ is '],
    [undefined, 'another kind: its claim typ is (absent)'],
    [null, 'another kind: its claim typ is (null)'],
    [['Bearer'], 'another kind: its claim typ is (array)'],
  ]
  assert.equal(judge('keycloak', user), undefined)
  for (const [typ, got] of cases) assert.deepEqual(judge('keycloak', user, { typ }), { expected, got })
})

test('AT-1: the header is JWT or at+jwt, and the claim counts beside both', () => {
  for (const typ of ['JWT', 'jwt', 'application/jwt', 'at+jwt', 'AT+JWT']) {
    const header = { typ }
    assert.equal(judge('keycloak', { ...user, header }), undefined, typ)
    assert.equal(judge('keycloak', { ...user, header }, { typ: 'ID' })?.got, 'ID token: its claim typ is ID', typ)
  }
  for (const typ of [undefined, 'Bearer', 'logout+jwt']) {
    assert.equal(judge('keycloak', { ...user, header: { typ } })?.expected, expected, typ)
  }
})

test('DP-12: a token that says it is bound to a key passes with that key only, never as a bearer token', () => {
  assert.equal(judge('keycloak', bound), undefined)
  assert.deepEqual(judge('keycloak', bound, { cnf: undefined }), {
    expected,
    got: 'another kind: its claim typ is DPoP',
  })
})

test('a session, a nonce and the client among the audiences are legal in an access token of Keycloak', () => {
  for (const changed of [{ sid: 's' }, { session_state: 's' }, { nonce: 'n' }, { aud: 'web' }]) {
    assert.equal(judge('keycloak', user, changed), undefined, JSON.stringify(changed))
  }
})

test('AT-3: what only an ID token or a logout token has is refused beside the claim typ Bearer', () => {
  for (const claim of ['at_hash', 'c_hash', 's_hash', 'events', 'token_introspection']) {
    assert.equal(judge('keycloak', user, { [claim]: 'x' })?.expected, expected, claim)
  }
})

test('AT-18: roles are no scopes, and routes can ask for them as claims', async () => {
  const key = createKey('ES256', 'es1')
  const verify = await verifyAs(keycloakVendor.issuer, key)
  const token = passed(await verify('keycloak', signed(user, key)))
  assert.ok(!token.scopes.includes('reader'))
  assert.deepEqual(claimAt(token.claims, 'resource_access.orders.roles'), ['reader'])
  assert.deepEqual(claimAt(token.claims, 'realm_access.roles'), [
    'offline_access',
    'default-roles-shop',
    'uma_authorization',
  ])
})
