import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createKey, NOW } from '../../support/tokens.ts'
import { passed } from '../../support/verifying.ts'
import { API, EXP, PROFILE_NAMES, type Shape, signed } from './vendor.ts'
import { VENDORS } from './vendors.ts'
import { verifyAs, wordOf } from './verify-as.ts'

const key = createKey('RS256', 'rs1')

test('every profile has a vendor whose tokens are tried here', () => {
  assert.deepEqual(new Set(VENDORS.map(({ profile }) => profile)), new Set(PROFILE_NAMES))
})

test('AT-3, AT-12: an access token in the shape of each vendor is proven, and read as that vendor means it', async () => {
  for (const { profile, issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    for (const [name, shape] of Object.entries(accessTokens)) {
      const { claims, ...token } = passed(await verify(profile, signed(shape, key)))
      assert.deepEqual(token, { issuer: profile, iss: issuer, expiresAt: EXP, ...shape.says }, name)
      assert.deepEqual({ ...claims }, shape.claims, name)
    }
  }
})

test('AT-21: an access token passes under its own profile and under those that the contract leaves open to it', async () => {
  for (const { profile, issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    for (const [name, shape] of Object.entries(accessTokens)) {
      assert.ok(shape.passes.includes(profile), name)
      for (const other of PROFILE_NAMES) {
        const word = wordOf(await verify(other, signed(shape, key)))
        assert.equal(word === 'none', shape.passes.includes(other), `${name} under ${other}: ${word}`)
      }
    }
  }
})

test('AT-1, AT-3, AT-21: no other kind of token passes under any profile, and its own calls it by its kind', async () => {
  for (const { profile, issuer, others } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    for (const kind of ['ID token', 'logout token', 'introspection JWT', 'refresh token']) {
      assert.ok(kind in others, `${issuer} ${kind}`)
    }
    for (const [name, other] of Object.entries(others)) {
      const token = typeof other === 'string' ? other : signed(other, key)
      for (const tried of PROFILE_NAMES) {
        const outcome = await verify(tried, token)
        assert.ok(!outcome.ok, `${name} of ${issuer} under ${tried}`)
      }
      if (typeof other !== 'string') {
        assert.equal(wordOf(await verify(profile, token)), 'token_type_wrong', `${name} of ${issuer}`)
      }
    }
  }
})

test('AT-3, AT-20: an ID token passes nowhere, also with the API among its audiences', async () => {
  for (const { issuer, others } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    for (const [name, other] of Object.entries(others)) {
      if (typeof other === 'string' || !name.startsWith('ID token')) continue
      const { aud: client } = other.claims
      for (const aud of [API, [API], [client, API]]) {
        for (const profile of PROFILE_NAMES) {
          const forApi = signed({ ...other, claims: { ...other.claims, aud } }, key)
          assert.ok(!(await verify(profile, forApi)).ok, `${name} of ${issuer} under ${profile}, for ${aud}`)
        }
      }
    }
  }
})

test('AT-3: what marks an ID token outweighs every claim of an access token', async () => {
  const grown = { aud: API, scope: 'a', scp: ['a'], roles: ['a'], client_id: 'c', azp: 'c', appid: 'c', cid: 'c' }
  for (const { issuer, others } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    const idToken = others['ID token']
    assert.ok(typeof idToken === 'object')
    const token = signed({ ...idToken, claims: { ...idToken.claims, ...grown } }, key)
    for (const profile of PROFILE_NAMES) {
      assert.equal(wordOf(await verify(profile, token)), 'token_type_wrong', `${issuer} under ${profile}`)
    }
  }
})

test('AT-1, AT-21: the best claims do not help under the typ of another kind', async () => {
  const types = [
    'dpop+jwt',
    'logout+jwt',
    'token-introspection+jwt',
    'application/token-introspection+jwt',
    'client-authentication+jwt',
    'oauth-authz-req+jwt',
    'secevent+jwt',
    'id_token+jwt',
    'rt+jwt',
    'LOGOUT+JWT',
    5,
    null,
    ['at+jwt'],
  ]
  for (const { issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    for (const [name, { claims }] of Object.entries(accessTokens)) {
      for (const typ of types) {
        const token = signed({ header: { typ }, claims }, key)
        for (const profile of PROFILE_NAMES) {
          assert.equal(wordOf(await verify(profile, token)), 'token_type_wrong', `${name}, ${typ}, under ${profile}`)
        }
      }
    }
  }
})

test('AT-4: without each claim in turn: what is required is missed, the rest is not', async () => {
  for (const { profile, issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    for (const [name, shape] of Object.entries(accessTokens)) {
      const needs: Readonly<Record<string, string>> = shape.needs
      for (const claim of Object.keys(shape.claims)) {
        const outcome = await verify(profile, signed(without(shape, claim), key))
        assert.equal(wordOf(outcome), needs[claim] ?? 'none', `${name} without ${claim}`)
        if (!outcome.ok && outcome.refusal.reason === 'claim_missing') {
          // Of several that may name the client the first is called for.
          assert.ok([claim, 'azp'].includes(outcome.refusal.claim), `${name} without ${claim}`)
        }
      }
    }
  }
})

test('AT-8, JO-1, JO-3: no profile loosens exp, the algorithm list or the signature', async () => {
  for (const { profile, issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key)
    const narrow = await verifyAs(issuer, key, { algorithms: ['ES256'] })
    for (const [name, shape] of Object.entries(accessTokens)) {
      const token = signed(shape, key)
      const unsigned = signed({ ...shape, header: { ...shape.header, alg: 'none' } }, key)
      assert.equal(wordOf(await verify(profile, token, EXP + 29.9)), 'none', name)
      assert.equal(wordOf(await verify(profile, token, EXP + 30)), 'token_expired', name)
      assert.equal(wordOf(await verify(profile, unsigned)), 'algorithm_refused', name)
      assert.equal(wordOf(await verify(profile, unsigned.replace(/[^.]*$/, ''))), 'algorithm_refused', name)
      assert.equal(wordOf(await narrow(profile, token)), 'algorithm_refused', name)
      assert.equal(wordOf(await verify(profile, token.replace(/[^.]*$/, ''))), 'signature_invalid', name)
    }
  }
})

test('AT-12: an override of scope or client counts under every profile, and the names of the profile no more', async () => {
  for (const { profile, issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key, { claims: { scope: 'rights', clientId: 'app' } })
    for (const [name, shape] of Object.entries(accessTokens)) {
      const given = { ...shape.claims, aud: API, app: 'the-app' }
      for (const rights of ['a b', ['a', 'b']]) {
        const token = passed(await verify(profile, signed({ ...shape, claims: { ...given, rights } }, key)))
        assert.deepEqual([token.scopes, token.client], [['a', 'b'], 'the-app'], name)
      }
      if (profile === 'jwt') continue
      assert.ok(!(await verify(profile, signed({ ...shape, claims: { ...given, app: undefined } }, key))).ok, name)
    }
  }
})

test('AT-11: max_token_age ends a token of every profile that says when it was issued, and refuses one that does not', async () => {
  for (const { profile, issuer, accessTokens } of VENDORS) {
    const verify = await verifyAs(issuer, key, { maxTokenAgeSeconds: 600 })
    for (const [name, shape] of Object.entries(accessTokens)) {
      const token = signed({ ...shape, claims: { ...shape.claims, iat: NOW } }, key)
      assert.equal(wordOf(await verify(profile, token, NOW + 629)), 'none', name)
      assert.equal(wordOf(await verify(profile, token, NOW + 630)), 'token_too_old', name)
      assert.equal(wordOf(await verify(profile, signed(without(shape, 'iat'), key))), 'claim_missing', name)
    }
  }
})

const without = ({ header, claims }: Shape, claim: string): Shape => ({
  header,
  claims: Object.fromEntries(Object.entries(claims).filter(([name]) => name !== claim)),
})
