import assert from 'node:assert/strict'
import { test } from 'node:test'
import { redact } from '../../src/observe/redact.ts'

const cases: readonly [what: string, config: unknown, shown: unknown][] = [
  ['a client secret', { clients: { web: { secret: 'S3CRET' } } }, { clients: { web: { secret: '[redacted]' } } }],
  ['a client secret by its OAuth name', { client_secret: 'x' }, { client_secret: '[redacted]' }],
  ['a password of another type', { password: { is: 'x' } }, { password: '[redacted]' }],
  ['a mode of credentials, which is none', { authorization: 'strip' }, { authorization: 'strip' }],
  ['the name of a secret file, which is none', { secret_file: 'a.txt' }, { secret_file: 'a.txt' }],
  [
    'a private JWK, of which the public part stays',
    { keys: [{ kty: 'EC', crv: 'P-256', x: 'X', y: 'Y', d: 'D', kid: 'k1' }] },
    { keys: [{ kty: 'EC', crv: 'P-256', x: 'X', y: 'Y', d: '[redacted]', kid: 'k1' }] },
  ],
  ['a symmetric JWK', { kty: 'oct', k: 'S3CRET' }, { kty: 'oct', k: '[redacted]' }],
  ['members that are private in keys only', { d: 1, k: 2 }, { d: 1, k: 2 }],
  ['userinfo in a URL', ['redis://u:p@h:6379/0'], ['redis://[redacted]@h:6379/0']],
  ['userinfo with an at sign in it', ['http://u:p@q@h/'], ['http://[redacted]@h/']],
  ['userinfo in a key', new Map([['http://u:p@h', 1]]), { 'http://[redacted]@h': 1 }],
  ['an at sign in a path, which is none', ['https://h/@me'], ['https://h/@me']],
  ['private PEM', { x: '-----BEGIN EC PRIVATE KEY-----\nMHc\n-----END EC PRIVATE KEY-----' }, { x: '[redacted]' }],
  ['raw bytes', { x: new Uint8Array([1]) }, { x: '[redacted]' }],
  [
    'maps, sets and what JSON has no word for',
    { m: new Map([['a', new Set([1])]]), f: () => 1, u: undefined, b: 1n },
    { m: { a: [1] }, b: '1' },
  ],
]
for (const [what, config, shown] of cases) {
  test(`Attack 2.7 row 2: /config and ${what}`, () => {
    assert.equal(JSON.stringify(redact(config)), JSON.stringify(shown))
  })
}

test('Lesson 9: a member named __proto__ is shown and is no prototype', () => {
  const shown = redact(JSON.parse('{"__proto__":{"secret":"x"}}'))
  assert.equal(JSON.stringify(shown), '{"__proto__":{"secret":"[redacted]"}}')
})

test('A value that holds itself ends', () => {
  const self: Record<string, unknown> = {}
  self.self = self
  const shared = { a: 1 }
  assert.deepEqual(redact([self, shared, shared]), [{ self: '[circular]' }, { a: 1 }, { a: 1 }])
})
