import assert from 'node:assert/strict'
import { test } from 'node:test'
import { json, startKeyServer, status } from '../keys/key-server.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpy } from '../support/spy.ts'
import { createKey, mint } from '../support/tokens.ts'

const key = createKey('ES256', 'remote-1')
const now = Math.floor(Date.now() / 1000)
const token = mint({ key, claims: { aud: ORDERS, iat: now, exp: now + 600 } })

const ask = (stage: TestGateway, credential = token) =>
  sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${credential}`]), {
    until: wholeAnswer,
  })

const ready = async ({ adminPort }: TestGateway): Promise<number> =>
  (await fetch(`http://127.0.0.1:${adminPort}/readyz`)).status

const config = (jwks: string, upstream: string, more = ''): string =>
  `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${jwks}' }, refresh: { cooldown: 50ms, interval: 1h, timeout: 1s } } }
upstreams: { '${upstream}': { resource: ${ORDERS}, at: /orders, routes: { GET /open: public, /**: authenticated } } }\n${more}`

test('AS-12, OP-10: a cold start without the issuer is not ready, answers 503 with Retry-After, and heals by itself', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', status(500))
  const spy = await startSpy(t)
  const stage = await startGateway(t, config(server.url('/jwks'), spy.url))
  await eventually('a first attempt', () => server.hits('/jwks') > 0)
  assert.equal(await ready(stage), 503)
  const { status: answered, text } = await ask(stage)
  assert.equal(answered, 503)
  assert.match(text, /\r\nRetry-After: [1-9]\d*\r\n/)
  assert.match(text, /"reason":"keys_unavailable"/)
  assert.doesNotMatch(text, /WWW-Authenticate/i)
  // What needs no token is served, and what could never be right is refused all the same.
  const open = await sendRaw(stage.port, requestBytes(['GET /orders/open HTTP/1.1', 'Host: a']), { until: wholeAnswer })
  assert.equal(open.status, 200)
  assert.equal((await ask(stage, liveToken({ iss: 'https://other.test' }))).status, 401)
  assert.equal(spy.requests.length, 1)

  server.set('/jwks', json({ keys: [key.jwk] }))
  await eventually('it is ready', async () => (await ready(stage)) === 200, 15_000)
  assert.equal((await ask(stage)).status, 200)
})

test('OP-10: once ready it stays so, and known keys keep working while the issuer is down', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [key.jwk] }))
  const spy = await startSpy(t)
  const stage = await startGateway(t, config(server.url('/jwks'), spy.url))
  await eventually('it is ready', async () => (await ready(stage)) === 200)
  assert.equal((await ask(stage)).status, 200)
  await server.close()
  const stranger = mint({ key: createKey('ES256', 'remote-2'), claims: { aud: ORDERS, iat: now, exp: now + 600 } })
  await eventually('the failure is noticed', async () => (await ask(stage, stranger)).status === 503)
  assert.equal(await ready(stage), 200)
  assert.equal((await ask(stage)).status, 200)
})

test('OP-10: after `readiness.max_wait` a cold gateway is ready all the same, and still lets nobody in', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', () => undefined)
  const spy = await startSpy(t)
  const stage = await startGateway(t, config(server.url('/jwks'), spy.url, 'readiness: { max_wait: 200ms }'))
  assert.equal(await ready(stage), 503)
  await eventually('it is ready', async () => (await ready(stage)) === 200)
  assert.equal((await ask(stage)).status, 503)
  assert.equal(spy.connections(), 0)
})
