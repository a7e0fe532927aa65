import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'

test('GHSA-8xcm-r25x-g524 (undici): an upstream that dies in mid-content is not asked again', async (t) => {
  const attack = await startAttack(t, {
    answer: (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nhello', () => socket.destroy())
      return undefined
    },
  })
  const { text, closed } = await attack.send('GET /public/a')
  assert.ok(closed)
  assert.match(text, /^HTTP\/1\.1 200[\s\S]*\r\nhello$/)
  assert.equal(attack.spy.requests.length, 1)
})
