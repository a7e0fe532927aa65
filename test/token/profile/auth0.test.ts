import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey } from '../../support/tokens.ts'
import { passed } from '../../support/verifying.ts'
import { auth0Vendor } from './auth0.ts'
import { judge, shapeOf } from './judge.ts'
import { signed } from './vendor.ts'
import { verifyAs } from './verify-as.ts'

const own = shapeOf(auth0Vendor.accessTokens, 'Auth0, own dialect')
const typed = shapeOf(auth0Vendor.accessTokens, 'Auth0, RFC 9068 dialect')
const expected = 'at+jwt or JWT'

test('AT-1, AT-3: typ is at+jwt, or JWT without anything of an ID token', () => {
  const cases = [
    [{ nonce: 'n' }, 'ID token: it has nonce'],
    [{ sid: 's' }, 'ID token: it has sid'],
    [{ aud: own.claims.azp }, 'ID token: its audience is the client'],
    [{ token_use: 'id' }, 'ID token: its claim token_use is id'],
    [
      { azp: undefined, scope: undefined, permissions: undefined },
      'ID token or another kind: neither azp nor client_id nor scope nor permissions',
    ],
  ] as const
  assert.equal(judge('auth0', own), undefined)
  for (const [changed, got] of cases) {
    assert.deepEqual(judge('auth0', own, changed), { expected, got })
    assert.equal(judge('auth0', typed, changed), undefined, got)
  }
  for (const typ of [undefined, 'Bearer', 'id_token', null]) {
    assert.equal(judge('auth0', { ...own, header: { typ } })?.expected, expected, String(typ))
  }
})

test('AT-12: permissions is a list of whole scopes, and of another type says nothing', async () => {
  const key = createKey('ES256', 'es1')
  const verify = await verifyAs(auth0Vendor.issuer, key)
  for (const [permissions, more] of [
    [
      ['orders:delete', 'a b'],
      ['orders:delete', 'a b'],
    ],
    ['orders:delete', []],
    [['orders:delete', 5], []],
    [undefined, []],
  ] as const) {
    const token = signed({ ...own, claims: { ...own.claims, permissions } }, key)
    assert.deepEqual(passed(await verify('auth0', token)).scopes, ['openid', 'profile', 'orders:read', ...more])
  }
})
