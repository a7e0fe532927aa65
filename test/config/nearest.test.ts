import assert from 'node:assert/strict'
import { test } from 'node:test'
import { nearest } from '../../src/config/nearest.ts'

const known = [
  'client_id',
  'client_secret_file',
  'listen',
  'admin',
  'issuers',
  'upstreams',
  'scopes',
  'any_scope',
  'log',
  'at',
]

for (const [word, expected] of [
  ['lissen', 'listen'],
  ['upstream', 'upstreams'],
  ['Scopes', 'scopes'],
  ['scope', 'scopes'],
  ['any-scope', 'any_scope'],
  ['isuers', 'issuers'],
  ['sc\u043epes', 'scopes'],
  ['client_secret', 'client_secret_file'],
  ['Client-Secret', 'client_secret_file'],
  ['audience', undefined],
  ['x', undefined],
  ['lo', 'log'],
  ['', undefined],
] as const) {
  test(`${JSON.stringify(word)} is near ${expected ?? 'nothing'}`, () => assert.equal(nearest(word, known), expected))
}
