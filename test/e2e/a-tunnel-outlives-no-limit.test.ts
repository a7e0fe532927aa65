import assert from 'node:assert/strict'
import { once } from 'node:events'
import { test } from 'node:test'
import type { WebSocket } from 'ws'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { closed, echo, openWebSocket, startWebSockets, startWebSocketUpstream } from '../support/websocket.ts'

/** Says something every 200 ms until it is closed. */
const chatter = (socket: WebSocket): void => {
  const timer = setInterval(() => socket.send('still here'), 200)
  socket.on('close', () => clearInterval(timer))
}

test('WS-10: with `close_at_expiry` a tunnel is closed with 1008 when its token expires, at both ends', async (t) => {
  const codes: number[] = []
  const upstream = await startWebSocketUpstream(t, (socket) => {
    echo(socket)
    socket.on('close', (code) => codes.push(code))
  })
  const start = (closeAtExpiry: boolean) => {
    const entry = { resource: ORDERS, at: '/orders', websocket: { close_at_expiry: closeAtExpiry } }
    const issuers = issuerYaml().replace('oidc,', 'oidc, clock_tolerance: 0s,')
    return startGateway(t, `${issuers}upstreams: ${JSON.stringify({ [upstream.url]: entry })}\n`)
  }
  const [tied, free] = [await start(true), await start(false)]
  const expires = Math.floor(Date.now() / 1000) + 2
  const headers = { Authorization: `Bearer ${liveToken({ exp: expires })}` }
  const socket = await openWebSocket(t, `ws://127.0.0.1:${tied.port}/orders/feed`, { headers })
  const other = await openWebSocket(t, `ws://127.0.0.1:${free.port}/orders/feed`, { headers })
  chatter(socket)
  const { code } = await closed(socket)
  const late = Date.now() / 1000 - expires
  assert.equal(code, 1008)
  assert.ok(late >= 0 && late < 1.5, `${late} s after the expiry`)
  await eventually('the upstream was told', () => codes.length > 0)
  assert.deepEqual(codes, [1008])
  other.send('still here')
  await once(other, 'message')
})

test('WS-10: on a public route nothing expires, whatever token is sent', async (t) => {
  const entry = { routes: { '/**': 'public' }, websocket: { close_at_expiry: true } }
  const stage = await startWebSockets(t, entry)
  const headers = { Authorization: `Bearer ${liveToken({ exp: Math.floor(Date.now() / 1000) - 1000 })}` }
  const socket = await stage.client({ headers })
  await new Promise((resolve) => setTimeout(resolve, 1100))
  socket.send('still here')
  await once(socket, 'message')
})

test('WS-10: a tunnel on which nobody speaks is closed with 1001 after `idle`, one with pings is not', async (t) => {
  const codes: number[] = []
  const upstream = await startWebSocketUpstream(t, (socket) => {
    socket.on('close', (code) => codes.push(code))
  })
  const stage = await startWebSockets(t, { websocket: { idle: '1s' } }, { upstream })
  const busy = await stage.client()
  const timer = setInterval(() => busy.ping(), 300)
  t.after(() => clearInterval(timer))
  const quiet = await stage.client()
  const began = performance.now()
  assert.equal((await closed(quiet)).code, 1001)
  const took = performance.now() - began
  assert.ok(took >= 900 && took < 3000, `${took} ms`)
  assert.equal(busy.readyState, busy.OPEN)
  assert.deepEqual(codes, [1001])
})

test('WS-10: a tunnel is closed with 1001 after `max`, however much is said on it', async (t) => {
  const stage = await startWebSockets(t, { websocket: { max: '1s' } })
  const socket = await stage.client()
  const began = performance.now()
  chatter(socket)
  assert.equal((await closed(socket)).code, 1001)
  const took = performance.now() - began
  assert.ok(took >= 900 && took < 3000, `${took} ms`)
})
