import assert from 'node:assert/strict'
import { test } from 'node:test'
import { clientMetadata } from '../../src/dev/client-metadata.ts'

const type = (...redirectUris: readonly string[]) =>
  clientMetadata('c', { secret: undefined, roles: [], redirectUris }).application_type

for (const { uris, expected } of [
  { uris: ['http://127.0.0.1:4455/cb', 'http://[::1]/cb', 'http://localhost/cb'], expected: 'native' },
  { uris: ['com.example.app:/cb'], expected: 'native' },
  { uris: ['http://127.0.0.1/cb', 'https://app.example.com/cb'], expected: 'native' },
  { uris: ['https://app.example.com/cb'], expected: 'web' },
  { uris: ['http://app.example.com/cb'], expected: 'web' },
  { uris: ['https://localhost/cb', 'http://127.0.0.1/cb'], expected: 'web' },
  { uris: [], expected: 'web' },
]) {
  test(`a client with the redirect URIs ${uris.join(' ') || '(none)'} is ${expected}`, () => {
    assert.equal(type(...uris), expected)
  })
}

for (const { what, client, grants } of [
  { what: 'secret and roles', client: { secret: 's', roles: ['r'], redirectUris: [] }, grants: ['client_credentials'] },
  { what: 'a secret alone', client: { secret: 's', roles: [], redirectUris: [] }, grants: [] },
  {
    what: 'redirect URIs alone',
    client: { secret: undefined, roles: ['r'], redirectUris: ['app:/cb'] },
    grants: ['authorization_code', 'refresh_token'],
  },
  {
    what: 'everything',
    client: { secret: 's', roles: ['r'], redirectUris: ['app:/cb'] },
    grants: ['authorization_code', 'refresh_token', 'client_credentials'],
  },
]) {
  test(`a client with ${what} may use: ${grants.join(', ') || 'nothing'}`, () => {
    const metadata = clientMetadata('c', client)
    assert.deepEqual(metadata.grant_types, grants)
    assert.equal(metadata.token_endpoint_auth_method, client.secret === undefined ? 'none' : 'client_secret_basic')
  })
}
