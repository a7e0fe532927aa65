// Also CVE-2025-64763 (Envoy: bytes glued to a handshake).
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'

test('WebSocket smuggling (0ang3el): an upgrade that is none leaves no tunnel behind it', async (t) => {
  for (const reply of [
    'HTTP/1.1 426 Upgrade Required\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n',
    'HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n',
  ]) {
    const attack = await startAttack(t, { answer: () => reply })
    const head = [
      'GET /public/a HTTP/1.1',
      'Host: gw.test',
      `Authorization: Bearer ${attack.token()}`,
      'Connection: Upgrade',
      'Upgrade: websocket',
      'Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==',
      'Sec-WebSocket-Version: 777',
    ]
    const { text } = await sendRaw(
      attack.port,
      requestBytes(head, 'GET /admin/secret HTTP/1.1\r\nHost: gw.test\r\nConnection: close\r\n\r\n'),
      { quietMs: 2000 },
    )
    assert.doesNotMatch(text, /HTTP\/1\.1 101/)
    assert.doesNotMatch(attack.spy.bytes(), /admin/)
    assert.equal(attack.spy.requests.length, 1)
  }
})
