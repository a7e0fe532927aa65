import assert from 'node:assert/strict'
import { once } from 'node:events'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import type { WebSocket } from 'ws'
import { temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { createKey } from '../support/tokens.ts'
import { openWebSocket, startWebSockets, startWebSocketUpstream } from '../support/websocket.ts'

const echoed = async (client: WebSocket, text: string): Promise<void> => {
  const echo = once(client, 'message')
  client.send(text)
  assert.equal(String((await echo)[0]), text)
}

const entry = { resource: ORDERS, at: '/orders', name: 'orders', websocket: true }

for (const { what, stands, change, issuer = issuerYaml(), place = {} } of [
  {
    what: 'an API that is new',
    stands: true,
    change: {},
    place: { 'http://127.0.0.1:9': { resource: 'https://api.test/new', at: '/new' } },
  },
  {
    what: 'the rule of another route',
    stands: true,
    change: { routes: { '/feed': 'orders:read', '/other': 'orders:write' } },
  },
  { what: 'the name of its resource', stands: false, change: { name: 'renamed' } },
  { what: 'the rule of its route', stands: false, change: { routes: { '/feed': 'orders:write', '/other': 'public' } } },
  { what: 'a route that is nearer', stands: false, change: { routes: { '/**': 'orders:read' } } },
  { what: 'its place', stands: false, change: { at: '/elsewhere' } },
  { what: 'an audience', stands: false, change: { accept_audiences: ['https://api.test/old'] } },
  { what: 'the limits of its tunnels', stands: false, change: { websocket: { max: '1h' } } },
  { what: 'how its upstream is reached', stands: false, change: { timeouts: { connect: '1s' } } },
  { what: 'the key of its issuer', stands: false, change: {}, issuer: issuerYaml(createKey('ES256', 'next').jwk) },
  {
    what: 'whose tokens count',
    stands: false,
    change: { issuers: ['second'] },
    issuer: issuerYaml().replace(
      / \}\n$/,
      `, second: { issuer: https://second.test, keys: { jwks: { keys: [${JSON.stringify(liveKey.jwk)}] } } } }\n`,
    ),
  },
]) {
  test(`WS-10: a reload that changes ${what} ${stands ? 'leaves a tunnel alone' : 'ends a tunnel with 1012'}`, async (t) => {
    const routes = { '/feed': 'orders:read', '/other': 'public' }
    const stage = await startWebSockets(t, { websocket: true, routes })
    const yaml = (more: object) =>
      `${issuer}upstreams: ${JSON.stringify({ ...place, [stage.upstream.url]: { ...entry, routes, ...more } })}\n`
    const client = await stage.client()
    await echoed(client, 'before')
    const codes: number[] = []
    for (const side of [client, ...stage.upstream.open]) side.on('close', (code) => codes.push(code))
    await stage.reload(yaml(change))
    if (stands) {
      await echoed(client, 'behind')
      await eventually('it is logged', async () => /"tunnels_closed":0,/.test(await stage.logText()))
      client.terminate()
    } else {
      await eventually('both sides are told', () => codes.length === 2)
      assert.deepEqual(codes, [1012, 1012])
      await eventually('it is logged', async () => /"tunnels_closed":1,/.test(await stage.logText()))
    }
    await eventually('no tunnel is open', async () => /^audgate_open_tunnels 0$/m.test(await stage.metrics()))
  })
}

test('WS-10: a reload that gives the host and path of a tunnel to another resource ends it, at the host that it asked for', async (t) => {
  const stage = await startWebSockets(t, { websocket: true })
  const codes: string[] = []
  for (const host of ['A.test:8443', 'b.test']) {
    const client = await stage.client({ headers: { Host: host } })
    client.on('close', (code) => codes.push(`${host} ${code}`))
  }
  const nearer = { resource: 'https://other.test/x', at: 'https://a.test/orders', name: 'nearer' }
  const map = { [stage.upstream.url]: entry, 'http://127.0.0.1:9': nearer }
  await stage.reload(`${issuerYaml()}upstreams: ${JSON.stringify(map)}\n`)
  await eventually('one is closed', () => codes.length > 0)
  assert.deepEqual(codes, ['A.test:8443 1012'])
  assert.match(await stage.metrics(), /^audgate_open_tunnels 1$/m)
})

for (const { how, again } of [
  { how: 'the reload of a file', again: (stage: TestGateway, yaml: string) => stage.reload(yaml) },
  { how: 'SIGHUP', again: (stage: TestGateway) => stage.gateway.refreshKeys() },
]) {
  test(`WS-10, AS-11: ${how} ends a tunnel whose key is gone, and not for a key that is new beside it`, async (t) => {
    const next = createKey('ES256', 'next')
    const same = { ...createKey('ES256', 'other').jwk, kid: liveKey.jwk.kid }
    const upstream = await startWebSocketUpstream(t)
    const file = temporaryFile(t, 'jwks.json', '{}')
    const keys = (...jwks: readonly object[]): void => writeFileSync(file, JSON.stringify({ keys: jwks }))
    const yaml = (n: number): string => {
      const main = { issuer: 'https://as.test/oidc', keys: { jwks_file: file } }
      const feed = { ...entry, routes: { '/feed': 'orders:read', '/public': 'public', [`/x${n}`]: 'x' } }
      return `issuers: ${JSON.stringify({ main })}\nupstreams: ${JSON.stringify({ [upstream.url]: feed })}\n`
    }
    keys(liveKey.jwk)
    const stage = await startGateway(t, yaml(0))
    const open = async (path: string) => {
      const headers = { Authorization: `Bearer ${liveToken()}` }
      const client = await openWebSocket(t, `ws://127.0.0.1:${stage.port}/orders/${path}`, { headers })
      const codes: number[] = []
      client.on('close', (code) => codes.push(code))
      return { client, codes }
    }
    // One reload more, which looks at all that are left.
    const look = async (jwks: readonly object[], n: number): Promise<void> => {
      keys(...jwks)
      await again(stage, yaml(n))
    }
    const bound = await open('feed')
    const free = await open('public')
    await look([liveKey.jwk, next.jwk], 1)
    await echoed(bound.client, 'its key is still there')
    await look([next.jwk, same], 2)
    await eventually('it is closed', () => bound.codes.length > 0)
    assert.deepEqual(bound.codes, [1012])
    await echoed(free.client, 'no key of it')
    assert.deepEqual(free.codes, [])
  })
}

test('WS-10: an unchanged tunnel outlives many reloads, and then the one that takes its resource away ends it', async (t) => {
  const stage = await startWebSockets(t, { websocket: true })
  const client = await stage.client()
  const other = { resource: 'https://api.test/other', at: '/other', name: 'other' }
  for (let round = 0; round < 5; round++) {
    const map = { 'http://127.0.0.1:9': { ...other, scopes: `s${round}` }, [stage.upstream.url]: entry }
    await stage.reload(`${issuerYaml()}upstreams: ${JSON.stringify(map)}\n`)
    await echoed(client, `after ${round}`)
  }
  const codes: number[] = []
  client.on('close', (code) => codes.push(code))
  await stage.reload(`${issuerYaml()}upstreams: {}\n`)
  await eventually('it is closed', () => codes.length === 1)
  assert.deepEqual(codes, [1012])
})

test('WS-10: a handshake that is answered when its resource is gone becomes a tunnel that ends at once', async (t) => {
  const held: (() => void)[] = []
  const upstream = await startWebSocketUpstream(t, undefined, {
    verifyClient: (_info: unknown, answer: (good: boolean) => void) => {
      held.push(() => answer(true))
    },
  })
  const stage = await startWebSockets(t, { websocket: true }, { upstream })
  const opening = stage.client()
  await eventually('the handshake is upstream', () => held.length === 1)
  await stage.reload(`${issuerYaml()}upstreams: {}\n`)
  held[0]?.()
  const client = await opening
  const codes: number[] = []
  client.on('close', (code) => codes.push(code))
  await eventually('it is closed', () => codes.length === 1)
  assert.deepEqual(codes, [1012])
})
