import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

test('HS-25: the date of the upstream is kept as it is, and one is added where there is none', async (t) => {
  for (const [lines, expected] of [
    ['Date: Tue, 15 Nov 1994 08:12:31 GMT\r\n', /^Tue, 15 Nov 1994 08:12:31 GMT$/],
    ['date: yesterday\r\n', /^yesterday$/],
    ['', /^\w{3}, \d{2} \w{3} \d{4} \d{2}:\d{2}:\d{2} GMT$/],
  ] as const) {
    for (const rest of [
      '200 OK\r\nContent-Length: 2\r\n\r\nok',
      '304 Not Modified\r\n\r\n',
      '204 No Content\r\n\r\n',
    ]) {
      const stage = await startSpied(t, { answer: () => `HTTP/1.1 ${rest.replace('\r\n', `\r\n${lines}`)}` })
      const { text } = await sendRaw(
        stage.port,
        requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Connection: close']),
        { quietMs: 5000 },
      )
      const dates = [...text.matchAll(/^date: (.*)\r$/gim)].map(([, value]) => value ?? '')
      assert.equal(dates.length, 1, text)
      assert.match(dates[0] ?? '', expected)
      if (lines === '') assert.ok(Math.abs(Date.parse(dates[0] ?? '') - Date.now()) < 60_000)
    }
  }
})
