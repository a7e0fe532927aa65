import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { handshakeLines, startWebSockets } from '../support/websocket.ts'

test('WS-1: with a good token the tunnel opens, and what is said on it comes back', async (t) => {
  const stage = await startWebSockets(t, { identity_headers: { 'X-Auth-Subject': 'sub' } })
  const socket = await stage.client({
    protocols: ['chat', 'superchat'],
    headers: { Origin: 'https://app.test', 'X-Auth-Subject': 'mallory', 'X-Forwarded-For': '1.2.3.4' },
  })
  socket.send('hello')
  const [data] = await once(socket, 'message')
  assert.equal(String(data), 'hello')
  assert.equal(socket.protocol, 'chat')
  const { url, headers } = stage.upstream.handshakes[0] ?? assert.fail('no handshake')
  assert.equal(url, '/feed')
  assert.deepEqual(
    [headers.upgrade, headers.connection, headers['sec-websocket-version'], headers['sec-websocket-protocol']],
    ['websocket', 'upgrade', '13', 'chat,superchat'],
  )
  assert.deepEqual(
    [headers.origin, headers['x-auth-subject'], headers['x-forwarded-for'], headers['x-forwarded-host']],
    ['https://app.test', 'alice', '127.0.0.1', `127.0.0.1:${stage.port}`],
  )
})

test('WS-1, contract 8: a tunnel is one record, written at its end, with the octets of both directions', async (t) => {
  const stage = await startWebSockets(t)
  const socket = await stage.client()
  socket.send('hello')
  await once(socket, 'message')
  const requests = async () => (await stage.log()).filter(({ msg }) => msg === 'request')
  assert.deepEqual(await requests(), [])
  assert.match(await stage.metrics(), /^audgate_open_requests 0\n[\s\S]*^audgate_open_tunnels 1$/m)
  socket.close(1000)
  await eventually('the record is written', async () => (await requests()).length === 1)
  const [record] = await requests()
  assert.ok(record)
  // A masked frame of five octets, and a masked Close frame of two; the same bare on the way back.
  const { status, decision, reason, bytes_in, bytes_out } = record
  assert.deepEqual([status, decision, reason, bytes_in, bytes_out], [101, 'allow', 'none', 19, 11])
  const metrics = await stage.metrics()
  assert.match(metrics, /^audgate_open_requests 0\n[\s\S]*^audgate_open_tunnels 0$/m)
  assert.match(metrics, /^audgate_upstream_duration_seconds_count\{resource="orders"\} 1$/m)
})

test('WS-1, WS-9, attacks 2.5: who may not ask gets a plain answer, and the upstream is not contacted', async (t) => {
  const routes = { 'GET /feed': 'orders:read', 'GET /admin': 'admin', 'GET /never': 'deny' }
  const stage = await startWebSockets(t, { routes })
  const token = stage.token()
  const glued = 'GET /orders/feed HTTP/1.1\r\nHost: gw.test\r\n\r\n'
  const cases: readonly (readonly [what: string, status: number, reason: string, target: string, fields: object])[] = [
    ['no token', 401, 'token_missing', '/orders/feed', {}],
    ['another audience', 401, 'audience_mismatch', '/orders/feed', bearer(stage.token({ aud: 'https://other.test' }))],
    ['a wrong scope', 403, 'scope_insufficient', '/orders/admin', bearer(token)],
    ['a route that is denied', 403, 'route_denied', '/orders/never', bearer(token)],
    ['no such route', 404, 'route_unknown', '/orders/other', bearer(token)],
    ['another host', 404, 'route_unknown', '/elsewhere', bearer(token)],
    ['an expired token', 401, 'token_expired', '/orders/feed', bearer(stage.token({ exp: 1_700_000_000 }))],
    [
      'a token as a subprotocol',
      401,
      'token_missing',
      '/orders/feed',
      { 'Sec-WebSocket-Protocol': `bearer, ${token}` },
    ],
    ['a token in the query', 401, 'token_missing', `/orders/feed?access_token=${token}`, {}],
    ['two Host lines', 400, 'request_malformed', '/orders/feed', { host: 'gw.test', ...bearer(token) }],
    ['a broken handshake of a stranger', 401, 'token_missing', '/orders/feed', { 'Sec-WebSocket-Key': 'x' }],
  ]
  for (const [what, status, reason, target, fields] of cases) {
    const answer = await sendRaw(stage.port, requestBytes(handshakeLines(target, { ...fields }), glued), {
      quietMs: 4000,
    })
    assert.equal(answer.status, status, what)
    assert.ok(answer.closed, what)
    assert.match(answer.text, new RegExp(`"reason":"${reason}"`), what)
    assert.match(answer.text, /\r\nConnection: close\r\n/, what)
    assert.match(answer.text, /\r\nContent-Type: application\/problem\+json\r\n/, what)
    if (status === 401) assert.match(answer.text, /\r\nWWW-Authenticate: Bearer/, what)
    assert.equal(answer.text.split('HTTP/1.1').length, 2, what)
  }
  assert.equal(stage.upstream.connections(), 0)
  const logged = (await stage.log()).filter(({ msg }) => msg === 'request')
  assert.deepEqual(
    logged.map(({ reason }) => reason),
    cases.map(([, , reason]) => reason),
  )
})

test('WS-1: a public route needs no token, and a tunnel on it carries none', async (t) => {
  const stage = await startWebSockets(t, { routes: { '/**': 'public' } })
  const socket = await stage.client()
  socket.send('hello')
  await once(socket, 'message')
  assert.equal(stage.upstream.handshakes[0]?.headers.authorization, undefined)
})

test('WS-1: with `authorization: strip` the upstream gets the handshake without the token', async (t) => {
  const stage = await startWebSockets(t, { authorization: 'strip' })
  await stage.client()
  assert.equal(stage.upstream.handshakes[0]?.headers.authorization, undefined)
})

const bearer = (token: string) => ({ Authorization: `Bearer ${token}` })
