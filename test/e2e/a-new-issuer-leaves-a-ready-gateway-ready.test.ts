import assert from 'node:assert/strict'
import type { ServerResponse } from 'node:http'
import { test } from 'node:test'
import { json, startKeyServer } from '../keys/key-server.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { createKey, mint } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const STOCK = 'https://api.test/stock'
const key = createKey('ES256', 'second-1')
const now = Math.floor(Date.now() / 1000)
const stockToken = mint({ key, claims: { iss: 'https://second.test', aud: STOCK, iat: now, exp: now + 600 } })

const ask = async ({ url }: TestGateway, path: string, token: string) => {
  const response = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } })
  const told = response.ok ? 'passed' : `${(await jsonOf(response)).reason}`
  return { told, retryAfter: response.headers.get('retry-after') }
}

const ready = async ({ adminPort }: TestGateway): Promise<number> =>
  (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status

const yaml = (upstream: string, jwks?: string): string => {
  const orders = { resource: ORDERS, at: '/orders', name: 'orders', issuers: ['main'] }
  const stock = { resource: STOCK, at: '/stock', name: 'stock', issuers: ['second'] }
  if (jwks === undefined) return `${issuerYaml()}upstreams: ${JSON.stringify({ [upstream]: orders })}\n`
  const main = { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } } }
  const second = {
    issuer: 'https://second.test',
    keys: { jwks_uri: jwks },
    refresh: { cooldown: '50ms', timeout: '1m' },
  }
  return `issuers: ${JSON.stringify({ main, second })}\nupstreams: ${JSON.stringify({ [upstream]: [orders, stock] })}\n`
}

test('OP-10: the keys of a new issuer are here when its first request comes', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [key.jwk] }))
  const upstream = await startUpstream(t)
  const stage = await startGateway(t, yaml(upstream.url))
  await stage.reload(yaml(upstream.url, server.url('/jwks')))
  const state = /^audgate_jwks_state\{issuer="second",state="fresh"\} 1$/m
  assert.match(await stage.metrics(), state)
  assert.equal(server.hits('/jwks'), 1)
  assert.equal((await ask(stage, '/stock/1', stockToken)).told, 'passed')
  assert.match(
    await (await fetch(`http://127.0.0.1:${stage.adminPort}/readyz?verbose`)).text(),
    /issuer second: keys fresh/,
  )
})

test('OP-10, AS-12: a new issuer that does not answer holds a reload up for seconds only, and costs nobody else anything', async (t) => {
  const server = await startKeyServer(t)
  const held: ServerResponse[] = []
  server.set('/jwks', (_request, response) => held.push(response))
  const upstream = await startUpstream(t)
  const stage = await startGateway(t, yaml(upstream.url))
  await eventually('it is ready', async () => (await ready(stage)) === 200)
  let over = false
  const reload = stage.reload(yaml(upstream.url, server.url('/jwks'))).then(() => {
    over = true
  })
  await eventually('the issuer is asked', () => held.length === 1)
  // The old config serves meanwhile.
  assert.equal((await ask(stage, '/orders/1', liveToken())).told, 'passed')
  assert.equal((await ask(stage, '/stock/1', stockToken)).told, 'route_unknown')
  assert.ok(!over)
  const since = performance.now()
  await reload
  assert.ok(performance.now() - since < 4500)
  assert.equal(await ready(stage), 200)
  assert.match(await stage.metrics(), /^audgate_ready 1$/m)
  assert.equal((await ask(stage, '/orders/1', liveToken())).told, 'passed')
  const waiting = ask(stage, '/stock/1', stockToken)
  held[0]?.writeHead(500).end()
  const { told, retryAfter } = await waiting
  assert.equal(told, 'keys_unavailable')
  assert.ok(Number(retryAfter) >= 1)
  assert.equal(await ready(stage), 200)
  server.set('/jwks', json({ keys: [key.jwk] }))
  await eventually(
    'the keys are here',
    async () => (await ask(stage, '/stock/1', stockToken)).told === 'passed',
    15_000,
  )
})
