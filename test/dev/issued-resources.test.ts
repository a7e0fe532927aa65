import assert from 'node:assert/strict'
import { test } from 'node:test'
import { issuedResources } from '../../src/dev/issued-resources.ts'
import { devResource } from '../support/dev-resources.ts'

const MAIN = { name: 'main', algorithms: ['RS256', 'PS256', 'ES256'] }

test('every scope that a route names is a permission of its resource, once', () => {
  const resource = devResource('urn:orders', {
    'GET /': { scopes: ['orders:read'] },
    'POST /': { scopes: ['orders:read', 'orders:write'], anyScope: ['admin'] },
    'GET /health': 'public',
  })

  assert.deepEqual(issuedResources([resource], MAIN), [
    { indicator: 'urn:orders', scopes: ['orders:read', 'orders:write', 'admin'], algorithm: 'RS256' },
  ])
})

test('an indicator served at two places is one resource; one of another issuer is none', () => {
  const issued = issuedResources(
    [
      devResource('urn:orders', { 'GET /': { scopes: ['orders:read'] } }, { path: '/a' }),
      devResource('urn:orders', { 'POST /': { scopes: ['orders:write'] } }, { path: '/b' }),
      devResource('urn:stock', { 'GET /': { scopes: ['stock:read'] } }, { issuers: ['other'] }),
    ],
    MAIN,
  )

  assert.deepEqual(
    issued.map(({ indicator, scopes }) => ({ indicator, scopes })),
    [{ indicator: 'urn:orders', scopes: ['orders:read', 'orders:write'] }],
  )
})

for (const { accepted, expected } of [
  { accepted: ['ES384', 'ES256', 'RS256'], expected: ['RS256', 'ES256', 'RS256'] },
  { accepted: ['ES256'], expected: ['ES256', 'ES256', 'ES256'] },
  { accepted: ['EdDSA', 'ES384'], expected: ['EdDSA', 'ES384', 'EdDSA'] },
]) {
  test(`resources take turns with the algorithms that the gateway accepts: ${accepted}`, () => {
    const resources = ['urn:a', 'urn:b', 'urn:c'].map((indicator) => devResource(indicator, { _default: {} }))

    const issued = issuedResources(resources, { name: 'main', algorithms: accepted })
    assert.deepEqual(
      issued.map(({ algorithm }) => algorithm),
      expected,
    )
  })
}
