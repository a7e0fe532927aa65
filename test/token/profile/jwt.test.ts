import assert from 'node:assert/strict'
import { test } from 'node:test'
import type { TokenOptions } from '../../../src/token/options.ts'
import { profileOf } from '../../../src/token/profile/index.ts'
import { AUDIENCE, goodClaims } from '../../support/tokens.ts'

const kind = (
  typ: unknown,
  claims: Record<string, unknown> = {},
  overrides: TokenOptions['claims'] = { scope: undefined, clientId: undefined },
) => {
  const profile = profileOf({ profile: 'jwt', claims: overrides })
  // As it comes from the token: without the members that are undefined.
  const members = JSON.parse(JSON.stringify(goodClaims(claims)))
  return profile.wrongKind(typ, Object.assign(Object.create(null), members), profile)
}

test('AT-3: any typ passes but those of known other kinds', () => {
  for (const typ of [undefined, 'JWT', 'jwt', 'at+jwt', 'application/at+jwt', 'application/jwt', 'Bearer', 'x-token']) {
    assert.equal(kind(typ), undefined, String(typ))
  }
  const others = ['dpop+jwt', 'DPoP+JWT', 'application/logout+jwt', 'token-introspection+jwt', 'secevent+jwt']
  const more = [
    'oauth-authz-req+jwt',
    'id_token',
    'Refresh',
    'ID',
    'Logout',
    'entity-statement+jwt',
    'kb+jwt',
    'vc+sd-jwt',
  ]
  for (const typ of [...others, ...more, null, 5, ['JWT'], {}]) {
    assert.equal(kind(typ)?.expected, 'an access token', JSON.stringify(typ))
  }
})

test('AT-3: an ID token of the same issuer is refused even where its audience is the API', () => {
  const idTokens: readonly (readonly [Record<string, unknown>, string])[] = [
    [{ nonce: 'n' }, 'ID token: it has nonce'],
    [{ at_hash: 'h' }, 'ID token: it has at_hash'],
    [{ c_hash: 'h' }, 'ID token: it has c_hash'],
    [{ s_hash: 'h' }, 'ID token: it has s_hash'],
    [{ sid: 's' }, 'ID token: it has sid'],
    [{ nonce: null }, 'ID token: it has nonce'],
    [{ events: {} }, 'logout token or security event'],
    [{ aud: 'cli' }, 'ID token: its audience is the client'],
    [{ aud: [AUDIENCE, 'cli'] }, 'ID token: its audience is the client'],
    [{ client_id: undefined, azp: 'web', aud: ['web', AUDIENCE] }, 'ID token: its audience is the client'],
    [{ client_id: undefined, scope: undefined }, 'ID token or another kind: neither client_id nor scope'],
  ]
  for (const [claims, got] of idTokens) {
    for (const typ of [undefined, 'JWT']) assert.deepEqual(kind(typ, claims), { expected: 'an access token', got })
    assert.equal(kind('at+jwt', claims), undefined)
  }
})

test('AT-3: one of client_id and scope is enough, under the names of the config', () => {
  assert.equal(kind('JWT', { scope: undefined }), undefined)
  assert.equal(kind('JWT', { client_id: undefined }), undefined)
  const overrides = { scope: 'scp', clientId: 'cid' }
  assert.equal(kind('JWT', {}, overrides)?.got, 'ID token or another kind: neither cid nor scp')
  assert.equal(kind('JWT', { cid: 'cli' }, overrides), undefined)
  assert.equal(kind('JWT', { scp: ['a'] }, overrides), undefined)
  assert.equal(kind('JWT', { cid: AUDIENCE }, overrides)?.got, 'ID token: its audience is the client')
})

test('an absent audience is not the absent client', () => {
  assert.equal(kind('JWT', { client_id: undefined, aud: undefined }), undefined)
})
