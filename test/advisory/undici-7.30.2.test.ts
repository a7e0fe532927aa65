import { test } from 'node:test'
import { startAttack } from '../support/attack.ts'
import { converse } from '../support/conversation.ts'
import { requestBytes } from '../support/raw-http.ts'

test('undici 7.30.2: 304 and 204 with a length are answers, and so is what follows', async (t) => {
  for (const status of ['304 Not Modified', '204 No Content']) {
    const attack = await startAttack(t, {
      answer: ({ line }) =>
        line.includes('/first')
          ? `HTTP/1.1 ${status}\r\nContent-Length: 500\r\n\r\n`
          : 'HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok',
    })
    const client = await converse(t, attack.port)
    const request = (path: string) =>
      requestBytes([`GET ${path} HTTP/1.1`, 'Host: gw.test', `Authorization: Bearer ${attack.token()}`])
    client.say(request('/public/first'))
    await client.hear('the first answer', (text) => text.startsWith(`HTTP/1.1 ${status}`) && text.endsWith('\r\n\r\n'))
    client.say(request('/public/second'))
    await client.hear('the second answer', (text) => text.endsWith('ok'))
  }
})
