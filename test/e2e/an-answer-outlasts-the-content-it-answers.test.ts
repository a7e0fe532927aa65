// undici takes its connection away from a request whose content it has read (`socket` becomes null): what concerns the
// answer must not ask the request for it.
import assert from 'node:assert/strict'
import { test } from 'node:test'
import { converse } from '../support/conversation.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

test('HS-27: an answer larger than any buffer arrives whole, also behind content', async (t) => {
  const content = Buffer.alloc(8_000_000, 'audgate-')
  const stage = await startSpied(t, {
    answer: () => Buffer.concat([Buffer.from(`HTTP/1.1 200 OK\r\nContent-Length: ${content.length}\r\n\r\n`), content]),
  })
  for (const framing of [
    'Content-Length: 5\r\n\r\nhello',
    'Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n',
  ]) {
    const client = await converse(t, stage.port)
    const head = ['PUT /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Connection: close']
    client.say(`${head.join('\r\n')}\r\n${framing}`)
    const text = await client.end()
    assert.ok(text.slice(text.indexOf('\r\n\r\n') + 4) === content.toString('latin1'), text.slice(0, 200))
  }
})

test('H1-21, H1-22: a client of HTTP/1.0 that sent content sees a reset too when the answer is cut', async (t) => {
  const stage = await startSpied(t, {
    answer: (_request, socket) => {
      socket.write('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n', () => socket.end())
      return undefined
    },
  })
  const client = await converse(t, stage.port)
  client.say(requestBytes(['PUT /orders/1 HTTP/1.0', 'Host: a', stage.authorization, 'Content-Length: 5'], 'hello'))
  await client.end()
  assert.ok(client.reset(), client.text())
})
