// Also liboauth2 (`kid` in a URL), nodedb 61 and CVE-2018-0114.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startKeyServer } from '../keys/key-server.ts'
import { startAttack } from '../support/attack.ts'
import { createKey, mint } from '../support/tokens.ts'

const evil = createKey('ES256', 'evil')

test('PyJWT 1169: nothing that a token says is ever fetched', async (t) => {
  const server = await startKeyServer(t)
  const attack = await startAttack(t)
  const url = server.url('/evil')
  for (const [header, claims] of [
    [{ jku: url }, {}],
    [{ x5u: url }, {}],
    [{ kid: url }, {}],
    [{ jwk: evil.jwk }, {}],
    [{ jwk: evil.jwk, kid: undefined }, {}],
    [{}, { iss: server.origin }],
    [{}, { iss: url }],
  ] as const) {
    const token = mint({ key: evil, header, claims: { aud: 'https://gw.test', ...claims } })
    assert.equal((await attack.send('GET /public/a', [`Authorization: Bearer ${token}`])).status, 401)
  }
  assert.equal(server.allHits(), 0)
})
