import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { createKey, mint, type TestKey } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const ORDERS = 'https://api.example.com/orders'
const STRICT = 'https://as.example.com/oidc'
const REALM = 'https://as.example.com/oidc/realms/shop'

// Two key pairs under one name: only `iss` can say which is meant.
const strictKey = createKey('ES256', 'same')
const realmKey = createKey('ES256', 'same')

const now = Math.floor(Date.now() / 1000)
const times = { iat: now - 10, exp: now + 600 }

const strict = (key: TestKey, claims: Readonly<Record<string, unknown>> = {}): string =>
  mint({ key, claims: { iss: STRICT, aud: ORDERS, ...times, ...claims } })

/** As Keycloak writes it. */
const realm = (key: TestKey, claims: Readonly<Record<string, unknown>> = {}): string =>
  mint({
    key,
    header: { typ: 'JWT' },
    claims: { iss: REALM, aud: [ORDERS, 'account'], typ: 'Bearer', azp: 'web', sid: 's', ...times, ...claims },
  })

const issuers = {
  strict: { issuer: STRICT, keys: { jwks: { keys: [strictKey.jwk] } } },
  realm: { issuer: REALM, profile: 'keycloak', keys: { jwks: { keys: [realmKey.jwk] } } },
}

test('AT-5, AT-6: two issuers with the same kid at one resource: each token is proven with the keys of its own', async (t) => {
  const upstream = await startUpstream(t)
  const config = (names: readonly ('strict' | 'realm')[]): string =>
    [
      `issuers: ${JSON.stringify(Object.fromEntries(names.map((name) => [name, issuers[name]])))}`,
      `upstreams: ${JSON.stringify({ [upstream.url]: { resource: ORDERS, at: '/orders', issuers: names, scopes: 'orders:read' } })}`,
    ].join('\n')
  const both = await startGateway(t, config(['strict', 'realm']))
  const reasonAt = async (url: string, token: string): Promise<unknown> => {
    const answer = await fetch(`${url}/orders/1`, { headers: { authorization: `Bearer ${token}` } })
    return answer.status === 200 ? 'allowed' : (await jsonOf(answer)).reason
  }
  const cases: readonly (readonly [string, string, unknown])[] = [
    ['the one issuer', strict(strictKey), 'allowed'],
    ['the other', realm(realmKey), 'allowed'],
    ['the other key under the same kid', strict(realmKey), 'signature_invalid'],
    ['and the other way round', realm(strictKey), 'signature_invalid'],
    ['the form of the other issuer', realm(strictKey, { iss: STRICT }), 'token_type_wrong'],
    ['and the other way round', strict(realmKey, { iss: REALM }), 'token_type_wrong'],
    ['iss with a slash more', strict(strictKey, { iss: `${STRICT}/` }), 'issuer_untrusted'],
    ['iss in another case', strict(strictKey, { iss: STRICT.replace('as.', 'AS.') }), 'issuer_untrusted'],
    ['iss between the two', strict(strictKey, { iss: `${STRICT}/realms` }), 'issuer_untrusted'],
    ['iss beyond both', realm(realmKey, { iss: `${REALM}/x` }), 'issuer_untrusted'],
    ['another audience', realm(realmKey, { aud: 'account' }), 'audience_mismatch'],
    ['no scope of this route', strict(strictKey, { scope: 'orders:write' }), 'scope_insufficient'],
  ]
  for (const [name, token, expected] of cases) assert.equal(await reasonAt(both.url, token), expected, name)
  assert.equal(upstream.seen.length, 2)

  // One issuer is taken out of the config: its tokens are nobody's, though the kid is still known.
  const alone = await startGateway(t, config(['strict']))
  assert.equal(await reasonAt(alone.url, strict(strictKey)), 'allowed')
  assert.equal(await reasonAt(alone.url, realm(realmKey)), 'issuer_untrusted')
  assert.equal(upstream.seen.length, 3)
})
