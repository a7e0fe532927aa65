import assert from 'node:assert/strict'
import { test } from 'node:test'
import { reasonOf } from '../support/attack.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { handshakeLines, openWebSocket, sampleKey, startWebSockets } from '../support/websocket.ts'

test('WS-4, attacks 2.5: a malformed handshake is 400, the connection ends, the upstream sees nothing', async (t) => {
  const stage = await startWebSockets(t)
  const authorization = { Authorization: `Bearer ${stage.token()}` }
  const head = (fields: Readonly<Record<string, string | undefined>>) =>
    handshakeLines('/orders/feed', { ...authorization, ...fields })
  const cases: readonly (readonly [what: string, lines: readonly string[], content?: string])[] = [
    ['no key', head({ 'Sec-WebSocket-Key': undefined })],
    ['a short key', head({ 'Sec-WebSocket-Key': 'YWJj' })],
    ['two keys', [...head({}), `Sec-WebSocket-Key: ${sampleKey}`]],
    ['no version', head({ 'Sec-WebSocket-Version': undefined })],
    ['two versions', [...head({}), 'Sec-WebSocket-Version: 8']],
    ['no number', head({ 'Sec-WebSocket-Version': 'x' })],
    ['content with a length', head({ 'Content-Length': '2' }), 'ab'],
    ['content in chunks', head({ 'Transfer-Encoding': 'chunked' }), '2\r\nab\r\n0\r\n\r\n'],
    ['content to come', head({ 'Content-Length': '100' }), 'ab'],
  ]
  const glued = requestBytes([
    'GET /orders/1 HTTP/1.1',
    'Host: gw.test',
    `Authorization: ${authorization.Authorization}`,
  ])
  for (const [what, lines, content = ''] of cases) {
    for (const behind of ['', glued.toString()]) {
      const answer = await sendRaw(stage.port, requestBytes(lines, content + behind), { quietMs: 4000 })
      assert.deepEqual([answer.status, reasonOf(answer)], [400, 'request_malformed'], what)
      assert.ok(answer.closed, what)
      assert.equal(answer.text.split('HTTP/1.1').length, 2, what)
    }
  }
  assert.equal(stage.upstream.connections(), 0)
})

test('WS-8: a page of another origin opens no tunnel, a client that is no browser does', async (t) => {
  const stage = await startWebSockets(t, { websocket: { origins: ['https://app.test', 'http://localhost:3000'] } })
  const authorization = { Authorization: `Bearer ${stage.token()}` }
  const foreign: readonly (readonly string[])[] = [
    ['Origin: https://evil.test'],
    ['Origin: https://app.test.evil.test'],
    ['Origin: http://app.test'],
    ['Origin: null'],
    ['Origin:'],
    ['Origin: https://app.test', 'Origin: https://app.test'],
  ]
  for (const lines of foreign) {
    const request = requestBytes([...handshakeLines('/orders/feed', authorization), ...lines])
    const answer = await sendRaw(stage.port, request, { quietMs: 4000 })
    assert.deepEqual([answer.status, reasonOf(answer), answer.closed], [403, 'route_denied', true], `${lines}`)
  }
  assert.equal(stage.upstream.connections(), 0)
  const denied = (await stage.log()).filter(({ msg }) => msg === 'request')
  assert.deepEqual(new Set(denied.map(({ decision }) => decision)), new Set(['deny']))
  assert.equal(denied[0]?.detail, 'origin: expected one of websocket.origins, got https://evil.test')
  for (const origin of ['https://app.test', 'http://localhost:3000', undefined]) {
    const headers = { ...authorization, ...(origin && { Origin: origin }) }
    const socket = await openWebSocket(t, `ws://127.0.0.1:${stage.port}/orders/feed`, { headers })
    assert.equal(socket.readyState, socket.OPEN)
  }
  assert.equal(stage.upstream.connections(), 3)
})

test('WS-8, WS-1: who has no token learns nothing of the origins', async (t) => {
  const stage = await startWebSockets(t, { websocket: { origins: ['https://app.test'] } })
  const request = requestBytes(handshakeLines('/orders/feed', { Origin: 'https://evil.test' }))
  assert.equal((await sendRaw(stage.port, request, { quietMs: 4000 })).status, 401)
})
