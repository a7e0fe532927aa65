import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { startRawUpstream } from '../support/upstream.ts'

test('HS-17: a redirect of the upstream, to wherever, is the client’s to follow', async (t) => {
  const target = await startRawUpstream(t, (socket) => socket.end())
  for (const status of [301, 302, 303, 307, 308]) {
    const stage = await startSpied(t, {
      answer: () => `HTTP/1.1 ${status} Go\r\nLocation: ${target.url}/latest/meta-data\r\nContent-Length: 0\r\n\r\n`,
    })
    const { text } = await sendRaw(
      stage.port,
      requestBytes(['POST /orders/1 HTTP/1.1', 'Host: a', stage.authorization, 'Content-Length: 2'], 'hi'),
      { until: wholeAnswer },
    )
    assert.match(text, new RegExp(`^HTTP/1.1 ${status} Go\r\nLocation: ${target.url}/latest/meta-data\r\n`))
    assert.equal(stage.spy.requests.length, 1)
  }
  assert.equal(target.connections(), 0)
})
