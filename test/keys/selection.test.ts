import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createLocalJWKSet } from 'jose'
import { createSelection } from '../../src/keys/selection.ts'
import { vetKeys } from '../../src/keys/vet.ts'
import { allAlgorithms, publicJwk } from './test-keys.ts'

const select = async (...keys: readonly unknown[]) => {
  const vetted = await vetKeys(keys, allAlgorithms)
  return createSelection(createLocalJWKSet({ keys: vetted.keys.map(({ jwk }) => jwk) }), vetted)
}

const [a, b, p384, rsa, ed] = await Promise.all(
  ['ES256', 'ES256', 'ES384', 'RS256', 'Ed25519'].map((alg) => publicJwk(alg)),
)

const cases: readonly (readonly [string, readonly unknown[], string, string | undefined, string])[] = [
  ['JO-9: the kid of the set is found', [{ ...a, kid: '1' }], 'ES256', '1', 'key'],
  ['JO-9: a kid in other case is another', [{ ...a, kid: 'Key' }], 'ES256', 'kEY', 'absent'],
  ['JO-9: a kid that is a prefix is another', [{ ...a, kid: 'key-1' }], 'ES256', 'key', 'absent'],
  ['JO-9: __proto__ is a kid like any other', [{ ...a, kid: '1' }], 'ES256', '__proto__', 'absent'],
  ['JO-9: __proto__ is a kid that can be known', [{ ...a, kid: '__proto__' }], 'ES256', '__proto__', 'key'],
  ['JO-9: the kid is asked for even where one key is all there is', [a], 'ES256', '1', 'absent'],
  ['JO-9: an empty kid is a kid', [{ ...a, kid: '1' }], 'ES256', '', 'absent'],
  ['JO-5: a P-384 key is not for ES256', [{ ...p384, kid: '1' }], 'ES256', '1', 'unfit'],
  ['JO-5: a key that says RS256 is not for PS256', [{ ...rsa, kid: '1', alg: 'RS256' }], 'PS256', '1', 'unfit'],
  ['JO-5: a key that says nothing is for PS256', [{ ...rsa, kid: '1' }], 'PS256', '1', 'key'],
  ['JO-26: Ed25519 and EdDSA are one', [{ ...ed, kid: '1' }], 'EdDSA', '1', 'key'],
  ['JO-5: an algorithm that is not allowed fits nothing', [{ ...rsa, kid: '1' }], 'RS512', '1', 'unfit'],
  ['JO-4: HS256 fits nothing', [{ ...rsa, kid: '1' }], 'HS256', '1', 'unfit'],
  ['JO-4: HS256 without a kid fits nothing', [{ ...rsa, kid: '1' }], 'HS256', undefined, 'absent'],
  [
    'AS-13: no kid, one key fits',
    [
      { ...a, kid: '1' },
      { ...rsa, kid: '2' },
    ],
    'ES256',
    undefined,
    'key',
  ],
  ['AS-13: no kid, two keys fit', [{ ...a, kid: '1' }, b], 'ES256', undefined, 'several'],
  ['AS-13: no kid, none fits', [{ ...a, kid: '1' }], 'ES384', undefined, 'absent'],
  [
    'AS-13: two keys with one kid',
    [
      { ...a, kid: '1' },
      { ...b, kid: '1' },
    ],
    'ES256',
    '1',
    'several',
  ],
  [
    'AS-13: one kid for two algorithms',
    [
      { ...a, kid: '1' },
      { ...rsa, kid: '1' },
    ],
    'RS256',
    '1',
    'key',
  ],
]

for (const [name, keys, alg, kid, kind] of cases) {
  test(`${name}: ${kind}`, async () => {
    assert.equal((await select(...keys)).find({ alg, kid }).kind, kind)
  })
}

test('each kid gives its own key, imported once', async () => {
  const selection = await select({ ...a, kid: '1' }, { ...b, kid: '2' })
  const [first, again, second] = ['1', '1', '2'].map((kid) => selection.find({ alg: 'ES256', kid }))
  assert.equal(first, again)
  for (const [found, jwk] of [
    [first, a],
    [second, b],
  ] as const) {
    assert.ok(found?.kind === 'key' && found.outcome.ok)
    assert.equal(found.outcome.value.export({ format: 'jwk' }).x, jwk?.x)
  }
})

test('the fingerprint changes with the keys, and not with their order or with members that do not count', async () => {
  const one = { ...a, kid: '1' }
  const two = { ...b, kid: '2' }
  const { fingerprint } = await select(one, two)
  assert.equal((await select(two, { ...one, x5t: 'new', use: 'sig' })).fingerprint, fingerprint)
  assert.equal((await select(one, two, { kty: 'oct' })).fingerprint, fingerprint)
  for (const other of [[one], [one, two, p384], [one, { ...b, kid: '3' }], [one, { ...p384, kid: '2' }]]) {
    assert.notEqual((await select(...other)).fingerprint, fingerprint)
  }
})
