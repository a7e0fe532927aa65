import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'

const upgrade = [
  'Connection: Upgrade',
  'Upgrade: websocket',
  'Sec-WebSocket-Version: 13',
  'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
]

test('GHSA-c4j6-fc7j-m34r (Next.js): an upgrade takes the same way as every request, and no target chooses the host', async (t) => {
  const attack = await startAttack(t)
  assert.equal((await attack.send('GET /public/a', ['Authorization:', ...upgrade])).status, 401)
  assert.equal((await attack.send('GET /admin/a', upgrade)).status, 403)
  for (const [target, status] of [
    ['http://evil.test/public/a', 421],
    ['http://gw.test@evil.test/public/a', 400],
    ['file:///etc/passwd', 400],
    ['//evil.test/public/a', 400],
    ['http:/public/a', 400],
  ] as const) {
    assert.equal((await attack.send(`GET ${target}`)).status, status, target)
  }
  assert.equal(attack.spy.connections(), 0)
  assert.equal((await attack.send('GET http://gw.test/public/a')).status, 200)
  assert.equal(attack.spy.requests[0]?.line, 'GET /public/a HTTP/1.1')
})
