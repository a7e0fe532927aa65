import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'

test('GHSA-4jgr-pg2m-m988 (heimdall): a Host that breaks out of `Forwarded` is refused', async (t) => {
  const attack = await startAttack(t)
  for (const host of ['gw.test;proto=https;by=evil', 'gw.test";proto=https', 'gw.test, for=evil', 'gw.test\t;by=x']) {
    assert.equal((await attack.send('GET /public/a', [`Host: ${host}`])).status, 400, host)
  }
  assert.equal(attack.spy.connections(), 0)
})
