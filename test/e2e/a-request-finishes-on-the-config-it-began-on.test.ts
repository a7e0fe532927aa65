import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { type TestContext, test } from 'node:test'
import { json, startKeyServer, status } from '../keys/key-server.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startIntrospectionServer } from '../support/introspection-server.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { openWebSocket, startWebSocketUpstream } from '../support/websocket.ts'

const entries = (map: Readonly<Record<string, unknown>>): string => `upstreams: ${JSON.stringify(map)}\n`
const orders = { resource: ORDERS, at: '/orders', name: 'orders' }

/** An upstream whose answers are in the test's hands, and that counts the connections that are open. */
const startHeld = async (t: TestContext) => {
  const held: ServerResponse[] = []
  const open = new Set<Socket>()
  let checks = 0
  const server = createServer((request, response) => {
    if (request.url === '/healthz') {
      checks++
      response.end()
    } else if (request.url?.endsWith('/quick')) response.end('quick')
    else {
      response.write('begun')
      held.push(response)
    }
  })
  server.on('connection', (socket: Socket) => {
    open.add(socket)
    socket.on('close', () => open.delete(socket))
  })
  server.keepAliveTimeout = 600_000
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, held, open, checks: () => checks }
}

const ask = ({ url }: TestGateway, path = '/orders/1', token = liveToken()): Promise<Response> =>
  fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } })

test('operations 4.5: an answer that streams comes to its end, and then nothing is left of an upstream that is gone', async (t) => {
  const upstream = await startHeld(t)
  const entry = { ...orders, health_check: { path: '/healthz', interval: '100ms' } }
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: entry }))
  const held = await Promise.all([ask(stage), ask(stage)])
  for (const response of upstream.held.splice(0)) response.end()
  for (const response of held) assert.equal(await response.text(), 'begun')
  const streaming = await ask(stage)
  assert.equal(streaming.status, 200)
  await eventually('it is checked', () => upstream.checks() > 1)
  await stage.reload(`issuers: {}\nupstreams: {}\n`)
  assert.equal((await ask(stage)).status, 421)
  await eventually('only the busy connection is left', () => upstream.open.size === 1)
  const checks = upstream.checks()
  // For three intervals.
  await new Promise((resolve) => setTimeout(resolve, 300))
  assert.equal(upstream.checks(), checks)
  upstream.held[0]?.end(' and over')
  assert.equal(await streaming.text(), 'begun and over')
  await eventually('no connection is left', () => upstream.open.size === 0)
})

test('an upstream that comes back while a request for the one that had gone is under way has connections of its own', async (t) => {
  const upstream = await startHeld(t)
  const yaml = issuerYaml() + entries({ [upstream.url]: orders })
  const stage = await startGateway(t, yaml)
  const streaming = await ask(stage)
  await stage.reload('issuers: {}\nupstreams: {}\n')
  await stage.reload(yaml)
  assert.equal(await (await ask(stage, '/orders/quick')).text(), 'quick')
  upstream.held[0]?.end(' and over')
  assert.equal(await streaming.text(), 'begun and over')
  await eventually('the old connection has gone', () => upstream.open.size === 1)
  assert.equal(await (await ask(stage, '/orders/quick')).text(), 'quick')
  await stage.reload('issuers: {}\nupstreams: {}\n')
  await eventually('nothing is left', () => upstream.open.size === 0)
  await stage.reload(yaml)
  assert.equal(await (await ask(stage, '/orders/quick')).text(), 'quick')
})

test('what an issuer that was replaced still learns is not told of the one that has its name now', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [liveKey.jwk] }))
  const upstream = await startHeld(t)
  const remote = `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' }, refresh: { interval: 1s, cooldown: 50ms } } }\n`
  const stage = await startGateway(t, remote + entries({ [upstream.url]: orders }))
  // For as long as this lasts, the old one is there.
  const streaming = await ask(stage)
  assert.equal(streaming.status, 200)
  await stage.reload(issuerYaml() + entries({ [upstream.url]: orders }))
  server.set('/jwks', status(500))
  const hits = server.hits('/jwks')
  await eventually('it has failed, and tries again', () => server.hits('/jwks') > hits + 1)
  assert.doesNotMatch(await stage.metrics(), /^audgate_jwks_fetches_total\{issuer="main",result="(?!ok").*\} [1-9]/m)
  assert.match(await stage.metrics(), /^audgate_jwks_state\{issuer="main",state="fresh"\} 1$/m)
  upstream.held[0]?.end()
  assert.equal(await streaming.text(), 'begun')
})

test('a request that waits for the keys of an issuer that is gone is answered as if it were not', async (t) => {
  const server = await startKeyServer(t)
  let release: () => void = () => undefined
  server.set('/jwks', (request, response) => {
    release = () => json({ keys: [liveKey.jwk] })(request, response)
  })
  const upstream = await startHeld(t)
  const remote = `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' } } }\n`
  const stage = await startGateway(t, remote + entries({ [upstream.url]: orders }))
  const waiting = ask(stage, '/orders/quick')
  await eventually('it waits', async () => /^audgate_open_requests 1$/m.test(await stage.metrics()))
  await stage.reload('issuers: {}\nupstreams: {}\n')
  release()
  assert.equal(await (await waiting).text(), 'quick')
  await eventually('nothing is left', () => upstream.open.size === 0)
})

test('an issuer and an upstream that several configs share end with the last request of all of them', async (t) => {
  const upstream = await startHeld(t)
  const one = issuerYaml() + entries({ [upstream.url]: orders })
  const stage = await startGateway(t, one)
  const streams = [await ask(stage)]
  await stage.reload(issuerYaml() + entries({ [upstream.url]: { ...orders, scopes: 'orders:read' } }))
  streams.push(await ask(stage))
  await stage.reload('issuers: {}\nupstreams: {}\n')
  upstream.held[1]?.end('!')
  assert.equal(await streams[1]?.text(), 'begun!')
  upstream.held[0]?.write('?')
  upstream.held[0]?.end('!')
  assert.equal(await streams[0]?.text(), 'begun?!')
  await eventually('nothing is left', () => upstream.open.size === 0)
})

test('a tunnel that lives on keeps nothing else of the config that it began on', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [liveKey.jwk] }))
  const upstream = await startWebSocketUpstream(t)
  const main = { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } } }
  const second = { issuer: 'https://second.test', keys: { jwks_uri: server.url('/jwks') }, refresh: { interval: '1s' } }
  const map = entries({ [upstream.url]: { ...orders, issuers: ['main'], websocket: true } })
  const stage = await startGateway(t, `issuers: ${JSON.stringify({ main, second })}\n${map}`)
  const tunnel = await openWebSocket(t, `ws://127.0.0.1:${stage.port}/orders/feed`, {
    headers: { authorization: `Bearer ${liveToken()}` },
  })
  await eventually('it is refreshed', () => server.hits('/jwks') > 1)
  await stage.reload(`issuers: ${JSON.stringify({ main })}\n${map}`)
  // One that was on its way may still arrive.
  await new Promise((resolve) => setTimeout(resolve, 100))
  const hits = server.hits('/jwks')
  await new Promise((resolve) => setTimeout(resolve, 2500))
  assert.equal(server.hits('/jwks'), hits)
  const echo = once(tunnel, 'message')
  tunnel.send('still here')
  assert.equal(String((await echo)[0]), 'still here')
})

test('a tunnel that ended is not taken for the end of a request that is under way', async (t) => {
  const [sockets, upstream] = [await startWebSocketUpstream(t), await startHeld(t)]
  const feed = { resource: 'https://api.test/feed', at: '/feed', name: 'feed', websocket: true }
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders, [sockets.url]: feed }))
  const tunnel = await openWebSocket(t, `ws://127.0.0.1:${stage.port}/feed/1`, {
    headers: { authorization: `Bearer ${liveToken({ aud: feed.resource })}` },
  })
  const streaming = await ask(stage)
  tunnel.close()
  await eventually('it has ended', async () => /^audgate_open_tunnels 0$/m.test(await stage.metrics()))
  await stage.reload('issuers: {}\nupstreams: {}\n')
  // What had nothing in flight any more would be gone after the next turn.
  await eventually('it is told', async () => (await stage.logText()).includes('config reloaded'))
  upstream.held[0]?.end(' and over')
  assert.equal(await streaming.text(), 'begun and over')
})

test('two reloads at once are one after the other, and the last one counts', async (t) => {
  const upstream = await startHeld(t)
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders }))
  const named = (name: string) => issuerYaml() + entries({ [upstream.url]: { ...orders, at: `/${name}`, name } })
  await Promise.all(['a', 'b', 'c'].map((name) => stage.reload(named(name))))
  assert.equal((await ask(stage, '/c/quick')).status, 200)
  assert.equal((await ask(stage, '/a/quick')).status, 404)
  await eventually('all are told', async () => (await stage.logText()).split('config reloaded').length === 4)
  const told = (await stage.log()).filter(({ msg }) => msg === 'config reloaded')
  assert.deepEqual(
    told.map(({ added, removed }) => [added, removed]),
    [
      [['upstream a'], ['upstream orders']],
      [['upstream b'], ['upstream a']],
      [['upstream c'], ['upstream b']],
    ],
  )
})

test('a reload while it drains, and one that is under way when it begins to, change nothing and keep nothing', async (t) => {
  const server = await startKeyServer(t)
  let asked = 0
  server.set('/jwks', () => asked++)
  const upstream = await startHeld(t)
  const known = { ...orders, issuers: ['main'] }
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: known }))
  const streaming = await ask(stage)
  const slow = issuerYaml().replace(
    / \}\n$/,
    `, late: { issuer: https://late.test, keys: { jwks_uri: '${server.url('/jwks')}' } } }\n`,
  )
  const late = { resource: 'https://api.test/late', at: '/late', name: 'late', issuers: ['late'] }
  const underWay = stage.reload(slow + entries({ [upstream.url]: known, 'http://127.0.0.1:9': late }))
  await eventually('the new issuer is asked', () => asked === 1)
  const routes = JSON.stringify(stage.gateway.status.routes())
  const closed = stage.gateway.close(0)
  const later = stage.reload(`${slow.replaceAll('main', 'other')}upstreams: {}\n`)
  upstream.held[0]?.end(' and over')
  assert.equal(await streaming.text(), 'begun and over')
  assert.equal(await closed, 0)
  await Promise.all([underWay, later])
  assert.equal(JSON.stringify(stage.gateway.status.routes()), routes)
  assert.equal(asked, 1)
  const log = await stage.logText()
  assert.doesNotMatch(log, /config reloaded|"level":"error"/)
  assert.match(log, /"msg":"closed"\}\n$/)
})

test('a question about an opaque token is answered though its issuer is gone when the answer comes', async (t) => {
  const server = await startIntrospectionServer(t)
  let release: () => void = () => undefined
  server.say(
    () =>
      new Promise((resolve) => {
        release = () => resolve({ active: true, aud: ORDERS, scope: 'orders:read' })
      }),
  )
  const upstream = await startHeld(t)
  const introspection = {
    endpoint: server.url,
    client_id: 'gateway',
    client_secret_file: temporaryFile(t, 'secret', 'wh1sper'),
  }
  const main = { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } }, introspection }
  const stage = await startGateway(t, `issuers: ${JSON.stringify({ main })}\n${entries({ [upstream.url]: orders })}`)
  const waiting = ask(stage, '/orders/quick', 'opaque-1')
  await eventually('it is asked', () => server.calls.length === 1)
  await stage.reload('issuers: {}\nupstreams: {}\n')
  release()
  assert.equal(await (await waiting).text(), 'quick')
})
