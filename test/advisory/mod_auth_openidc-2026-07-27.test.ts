import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf, startAttack } from '../support/attack.ts'

test('mod_auth_openidc, 27 July 2026: a token without `exp` is refused, one with a fraction ends at that instant', async (t) => {
  const attack = await startAttack(t)
  const ask = async (claims: object) =>
    attack.send('GET /public/a', [`Authorization: Bearer ${attack.token({ ...claims })}`])
  assert.equal(reasonOf(await ask({ exp: undefined })), 'claim_missing')
  const now = Date.now() / 1000
  assert.equal((await ask({ exp: now + 60.5 })).status, 200)
  for (let i = 0; i < 2; i++) assert.equal(reasonOf(await ask({ exp: now - 30.5 })), 'token_expired')
  assert.equal((await ask({ exp: now - 29.5 + 5 })).status, 200)
})
