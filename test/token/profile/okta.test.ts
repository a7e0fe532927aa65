import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey } from '../../support/tokens.ts'
import { passed } from '../../support/verifying.ts'
import { judge, shapeOf } from './judge.ts'
import { oktaVendor } from './okta.ts'
import { signed } from './vendor.ts'
import { verifyAs } from './verify-as.ts'

const user = shapeOf(oktaVendor.accessTokens, 'Okta, user')
const expected = 'JWT or none'

test('AT-3: what looks like an ID token is one', () => {
  const cases = [
    [{ jti: 'ID.x' }, 'ID token: its jti begins with ID.'],
    [{ nonce: 'n' }, 'ID token: it has nonce'],
    [{ at_hash: 'h' }, 'ID token: it has at_hash'],
    [{ sid: 's' }, 'ID token: it has sid'],
    [{ aud: user.claims.cid }, 'ID token: its audience is the client'],
    [{ cid: undefined, scp: undefined }, 'ID token or another kind: neither cid nor scp'],
  ] as const
  for (const [changed, got] of cases) assert.deepEqual(judge('okta', user, changed), { expected, got })
  for (const jti of ['AT.x.oar1', 'x', 'id.x']) assert.equal(judge('okta', user, { jti }), undefined, jti)
})

test('AT-1: typ is absent or JWT; a token for the organization’s own server is for Okta alone', () => {
  for (const typ of [undefined, 'JWT', 'jwt']) assert.equal(judge('okta', { ...user, header: { typ } }), undefined, typ)
  for (const typ of ['application/okta-internal-at+jwt', 'at+jwt', 'logout+jwt', '', null]) {
    assert.equal(judge('okta', { ...user, header: { typ } })?.expected, expected, String(typ))
  }
})

test('AT-12: scp is a list of whole scopes, and of another type says nothing', async () => {
  const key = createKey('ES256', 'es1')
  const verify = await verifyAs(oktaVendor.issuer, key)
  for (const [scp, scopes] of [
    [
      ['a', 'b c'],
      ['a', 'b c'],
    ],
    ['a b', []],
    [['a', 5], []],
    [[], []],
  ] as const) {
    const token = signed({ ...user, claims: { ...user.claims, scp, scope: 'not:this' } }, key)
    assert.deepEqual(passed(await verify('okta', token)).scopes, scopes)
  }
})
