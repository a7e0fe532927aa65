import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf, startAttack } from '../support/attack.ts'

test('Envoy Gateway 8781: a rule of a route adds to the scopes of its resource, it does not replace them', async (t) => {
  const attack = await startAttack(t, {
    entry: { scopes: 'base', routes: { '/public/**': { claims: { plan: 'gold' } }, '/b': 'read' } },
  })
  for (const [path, claims, status, reason] of [
    ['/public/a', { plan: 'gold', scope: 'read' }, 403, 'scope_insufficient'],
    ['/public/a', { plan: 'tin', scope: 'base' }, 403, 'claim_mismatch'],
    ['/public/a', { plan: 'gold', scope: 'base' }, 200, ''],
    ['/b', { scope: 'read' }, 403, 'scope_insufficient'],
    ['/b', { scope: 'base' }, 403, 'scope_insufficient'],
    ['/b', { scope: 'read base' }, 200, ''],
  ] as const) {
    const answer = await attack.send(`GET ${path}`, [`Authorization: Bearer ${attack.token(claims)}`])
    assert.deepEqual([answer.status, reasonOf(answer)], [status, reason], path)
  }
  assert.equal((await attack.send('GET /b', ['Authorization:'])).status, 401)
})
