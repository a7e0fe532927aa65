import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf, startAttack } from '../support/attack.ts'

test('mod_auth_openidc, 12 August 2026: `access_token` in the query, once or twice, in forms and cookies, is no credential', async (t) => {
  const attack = await startAttack(t)
  const token = attack.token()
  for (const [first, lines, content] of [
    [`GET /public/a?access_token=${token}`, [], ''],
    [`GET /public/a?access_token=${token}&access_token=x`, [], ''],
    ['GET /public/a', [`Cookie: access_token=${token}`], ''],
    ['GET /public/a', [`Sec-WebSocket-Protocol: ${token}`], ''],
    [
      'POST /public/a',
      ['Content-Type: application/x-www-form-urlencoded', `Content-Length: ${token.length + 13}`],
      `access_token=${token}`,
    ],
  ] as const) {
    const answer = await attack.send(first, ['Authorization:', ...lines], content)
    assert.deepEqual([answer.status, reasonOf(answer)], [401, 'token_missing'], first)
  }
  assert.equal(attack.spy.connections(), 0)
})
