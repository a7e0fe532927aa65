import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey } from '../../support/tokens.ts'
import { passed } from '../../support/verifying.ts'
import { entraFirst, entraSecond } from './entra.ts'
import { judge, shapeOf } from './judge.ts'
import { signed } from './vendor.ts'
import { verifyAs, wordOf } from './verify-as.ts'

const key = createKey('ES256', 'es1')
const user = shapeOf(entraSecond.accessTokens, 'Entra 2.0, user')
const application = shapeOf(entraSecond.accessTokens, 'Entra 2.0, application')
const user1 = shapeOf(entraFirst.accessTokens, 'Entra 1.0, user')

test('AT-3: an access token names its client, and has scp or roles', () => {
  const cases = [
    [user, { azp: undefined }, 'ID token or another kind: neither azp nor appid'],
    [user1, { appid: undefined }, 'ID token or another kind: neither azp nor appid'],
    [user, { scp: undefined }, 'ID token or another kind: neither scp nor roles'],
    [application, { roles: undefined }, 'ID token or another kind: neither scp nor roles'],
    [user, { nonce: 'n' }, 'ID token: it has nonce'],
    [user, { at_hash: 'h' }, 'ID token: it has at_hash'],
    [user, { c_hash: 'h' }, 'ID token: it has c_hash'],
    [user, { events: {} }, 'logout token or security event'],
    [user, { aud: user.claims.azp }, 'ID token: its audience is the client'],
  ] as const
  for (const [shape, changed, got] of cases) assert.deepEqual(judge('entra', shape, changed), { expected: 'JWT', got })
  for (const shape of [user, application, user1]) assert.equal(judge('entra', shape), undefined)
})

test('a session is legal in an access token of Entra ID', () => {
  assert.equal(judge('entra', user, { sid: 's' }), undefined)
})

test('AT-1: typ is JWT', () => {
  for (const typ of [undefined, 'at+jwt', 'pop', 'logout+jwt']) {
    assert.equal(judge('entra', { ...user, header: { typ } })?.expected, 'JWT', typ)
  }
})

test('AT-12: scp is separated by spaces, roles is a list, and both count', async () => {
  const verify = await verifyAs(entraSecond.issuer, key)
  const scopes = async (changed: Readonly<Record<string, unknown>>) =>
    passed(await verify('entra', signed({ ...user, claims: { ...user.claims, ...changed } }, key))).scopes
  assert.deepEqual(await scopes({ scp: 'a b', roles: ['c', 'd e'] }), ['a', 'b', 'c', 'd e'])
  assert.deepEqual(await scopes({ scp: ['a'], roles: 'b' }), [])
})

test('AT-5: the two versions are two issuers, and a tenant is not a pattern', async () => {
  const verify = await verifyAs(entraSecond.issuer, key)
  assert.equal(wordOf(await verify('entra', signed(user1, key))), 'issuer_untrusted')
  const { tid } = user.claims
  for (const tenant of ['common', 'organizations', '{tenantid}', '99999999-2222-4333-8444-555555555555']) {
    const iss = entraSecond.issuer.replace(String(tid), tenant)
    const token = signed({ ...user, claims: { ...user.claims, iss } }, key)
    assert.equal(wordOf(await verify('entra', token)), 'issuer_untrusted', tenant)
  }
})
