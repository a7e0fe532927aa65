import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { json, startKeyServer } from '../keys/key-server.ts'
import { converse } from '../support/conversation.ts'
import { createProver, presenting } from '../support/dpop.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { jsonOf } from '../support/json.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, wholeAnswer } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

const entries = (map: Readonly<Record<string, unknown>>): string => `upstreams: ${JSON.stringify(map)}\n`
const orders = { resource: ORDERS, at: '/orders', name: 'orders' }
const other = { resource: 'https://api.test/other', at: '/other', name: 'other' }

const ask = async ({ url }: TestGateway, path = '/orders/1', token = liveToken()): Promise<number> => {
  const response = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } })
  await response.arrayBuffer()
  return response.status
}

const valueIn = async (stage: TestGateway, series: string): Promise<number | undefined> => {
  const line = (await stage.metrics()).split('\n').find((one) => one.startsWith(`${series} `))
  return line === undefined ? undefined : Number(line.slice(series.length + 1))
}

test('operations 4.5: keys of an issuer that is the same are not fetched again, and tokens proven with them are known', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [liveKey.jwk] }))
  const upstream = await startUpstream(t)
  const issuer = (more = '') =>
    `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' }${more} } }\n`
  const stage = await startGateway(t, issuer() + entries({ [upstream.url]: orders }))
  // A proof that had to wait for its key is not kept.
  await eventually('the keys', async () => (await valueIn(stage, 'audgate_jwks_keys{issuer="main"}')) === 1)
  const token = liveToken()
  assert.equal(await ask(stage, '/orders/1', token), 200)
  for (const scopes of ['orders:read', 'orders:write']) {
    await stage.reload(issuer() + entries({ 'http://127.0.0.1:9': other, [upstream.url]: { ...orders, scopes } }))
    assert.equal(await ask(stage, '/orders/1', token), 200)
  }
  assert.equal(server.hits('/jwks'), 1)
  assert.equal(await valueIn(stage, 'audgate_token_cache_total{result="hit"}'), 2)
  // The count can tell: an issuer that is another is asked.
  await stage.reload(issuer(', refresh: { interval: 9m }') + entries({ [upstream.url]: orders }))
  assert.equal(server.hits('/jwks'), 2)
  assert.equal(await ask(stage, '/orders/1', token), 200)
  assert.equal(await valueIn(stage, 'audgate_token_cache_total{result="hit"}'), 2)
})

test('operations 4.5: keys that were taken over are refreshed as before, though the config that began it is gone', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [liveKey.jwk] }))
  const yaml = (tolerance: string, scopes: string) =>
    `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' }, refresh: { interval: 1s }, clock_tolerance: ${tolerance} } }\n` +
    entries({ 'http://127.0.0.1:9': { ...orders, scopes } })
  const stage = await startGateway(t, yaml('1s', 'a'))
  for (const [tolerance, scopes] of [
    ['1s', 'b'],
    ['2s', 'b'],
  ] as const) {
    await stage.reload(yaml(tolerance, scopes))
    const hits = server.hits('/jwks')
    await eventually('it is refreshed', () => server.hits('/jwks') > hits)
  }
})

test('operations 4.5: an issuer whose tolerance alone is another needs no server for it, and its tokens are proven anew', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [liveKey.jwk] }))
  const upstream = await startUpstream(t)
  const yaml = (tolerance: string) =>
    `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' }, clock_tolerance: ${tolerance} } }\n` +
    entries({ [upstream.url]: orders })
  const stage = await startGateway(t, yaml('60s'))
  await eventually('the keys', async () => (await valueIn(stage, 'audgate_jwks_keys{issuer="main"}')) === 1)
  await server.close()
  const expired = liveToken({ exp: Math.floor(Date.now() / 1000) - 20 })
  assert.deepEqual([await ask(stage, '/orders/1', expired), await ask(stage, '/orders/1', expired)], [200, 200])
  await stage.reload(yaml('1s'))
  assert.equal(await ask(stage, '/orders/1', expired), 401)
  assert.equal(await ask(stage), 200)
  await stage.reload(yaml('60s'))
  assert.equal(await ask(stage, '/orders/1', expired), 200)
  assert.equal(await valueIn(stage, 'audgate_jwks_keys{issuer="main"}'), 1)
  // The keys have an owner all the time: SIGHUP still asks for them.
  await stage.gateway.refreshKeys()
  assert.match(await stage.metrics(), /^audgate_jwks_state\{issuer="main",state="stale"\} 1$/m)
})

test('FW-2: who is a trusted proxy is told by the config that runs, on a connection that was open before too', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'))
  const yaml = issuerYaml() + entries({ [upstream.url]: orders })
  const stage = await startGateway(t, yaml, { trusted_proxies: [] })
  const client = await converse(t, stage.port)
  const ids: (string | undefined)[] = []
  for (const trusted of ['[]', '["127.0.0.1"]', '[]']) {
    await stage.reload(yaml, (text) => text.replace(/"trusted_proxies":\[\]/, `"trusted_proxies":${trusted}`))
    const before = client.text().length
    const head = [
      'GET /orders/1 HTTP/1.1',
      'Host: a',
      'X-Request-Id: from-the-proxy',
      `Authorization: Bearer ${liveToken()}`,
    ]
    client.say(requestBytes(head))
    const text = await client.hear('an answer', (all) => all.length > before && all.endsWith('ok'))
    ids.push(/X-Request-Id: (.*)\r/i.exec(text.slice(before))?.[1])
  }
  assert.deepEqual(
    ids.map((id) => id === 'from-the-proxy'),
    [false, true, false],
  )
})

test('operations 4.5: an upstream that is the same keeps its connections, whatever is asked of its tokens', async (t) => {
  const [same, changed] = [await startUpstream(t), await startUpstream(t)]
  const map = (scopes: string, response: string) => ({
    [changed.url]: { ...other, timeouts: { response } },
    [same.url]: { ...orders, scopes, identity_headers: { 'X-Client': 'client_id' } },
  })
  const stage = await startGateway(t, issuerYaml() + entries(map('orders:read', '30s')))
  const both = async () => [await ask(stage), await ask(stage, '/other/1', liveToken({ aud: other.resource }))]
  assert.deepEqual(await both(), [200, 200])
  await stage.reload(issuerYaml() + entries(map('orders:write', '20s')))
  assert.deepEqual(await both(), [200, 200])
  assert.equal(same.connections(), 1)
  assert.equal(changed.connections(), 2)
})

test('operations 4.5: a replica that was found unhealthy, and one that is left out, are still so after a reload', async (t) => {
  const good = await startUpstream(t)
  const dead = await startUpstream(t, (_request, response) => response.destroy())
  const entry = {
    ...orders,
    retries: 1,
    ejection: { failures: 1, duration: '10m' },
  }
  const { resource, ...rest } = entry
  const yaml = (scopes: string) =>
    `${issuerYaml()}${entries({ [good.url]: { resource, ...rest, replicas: [dead.url], scopes } })}`
  const stage = await startGateway(t, yaml('orders:read'))
  const isOut = async () =>
    (await valueIn(stage, `audgate_upstream_healthy{resource="orders",upstream="${dead.url}"}`)) === 0
  await eventually('it is left out', async () => (await ask(stage)) === 200 && isOut())
  const before = dead.connections()
  await stage.reload(yaml('orders:write'))
  assert.ok(await isOut())
  for (const _ of [1, 2, 3, 4]) assert.equal(await ask(stage), 200)
  assert.equal(dead.connections(), before)
})

const startBound = async (t: TestContext, dpop: string) => {
  const alice = await createProver()
  const upstream = await startUpstream(t)
  const yaml = (scopes: string) => `${issuerYaml()}dpop: ${dpop}\n${entries({ [upstream.url]: { ...orders, scopes } })}`
  const stage = await startGateway(t, yaml('orders:read'))
  const uri = `${stage.url}/orders/1`
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const present = async (proof: string) => {
    const response = await fetch(uri, { headers: presenting(token, proof) })
    const nonce = response.headers.get('dpop-nonce') ?? ''
    return { told: response.ok ? 'passed' : `${(await jsonOf(response)).reason}`, nonce }
  }
  return {
    prove: (claims = {}) => alice.prove({ token, uri, claims }),
    present,
    reload: () => stage.reload(yaml('orders:write')),
    reloadWith: (other: string) => stage.reload(yaml('orders:read').replace(dpop, other)),
  }
}

test('DP-15: a proof that was used before a reload is a replay after it', async (t) => {
  const { prove, present, reload } = await startBound(t, '{}')
  const proof = prove()
  assert.equal((await present(proof)).told, 'passed')
  await reload()
  assert.equal((await present(proof)).told, 'proof_replayed')
  assert.equal((await present(prove())).told, 'passed')
})

test('DP-16: a nonce that was given out before a reload counts after it, without a secret in the config', async (t) => {
  const { prove, present, reloadWith } = await startBound(t, '{ nonces: true }')
  const { told, nonce } = await present(prove())
  assert.equal(told, 'nonce_required')
  await reloadWith('{ nonces: true, algorithms: [ES256] }')
  assert.equal((await present(prove({ nonce }))).told, 'passed')
})

test('operations 4.5: counters go on, readiness stays, and the gauges of the config tell of the new one', async (t) => {
  const upstream = await startUpstream(t)
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders }))
  const counted = 'audgate_requests_total{resource="orders",route="_default",method="GET",code="200"}'
  const hashes = async () => (await stage.metrics()).match(/^audgate_config_info\{hash="\w+"\} 1$/gm)
  assert.equal(await ask(stage), 200)
  const before = await hashes()
  stage.gateway.reloadFailed()
  assert.equal(await valueIn(stage, 'audgate_config_last_reload_successful'), 0)
  const at = (await valueIn(stage, 'audgate_config_last_reload_success_timestamp_seconds')) ?? 0
  await stage.reload(issuerYaml() + entries({ [upstream.url]: { ...orders, scopes: 'orders:read' } }))
  assert.equal(await ask(stage), 200)
  assert.equal(await valueIn(stage, counted), 2)
  assert.equal((await fetch(`http://127.0.0.1:${stage.adminPort}/readyz`)).status, 200)
  const after = await hashes()
  assert.deepEqual([before?.length, after?.length], [1, 1])
  assert.notDeepEqual(before, after)
  assert.equal(await valueIn(stage, 'audgate_config_last_reload_successful'), 1)
  assert.ok(((await valueIn(stage, 'audgate_config_last_reload_success_timestamp_seconds')) ?? 0) > at)
})

test('the number of requests of a connection goes on at a reload', async (t) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'))
  const yaml = (scopes: string) => issuerYaml() + entries({ [upstream.url]: { ...orders, scopes } })
  const stage = await startGateway(t, yaml('orders:read'), { limits: { requests_per_connection: 3 } })
  const client = await converse(t, stage.port)
  const get = requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${liveToken()}`])
  for (const scopes of ['orders:write', 'orders:read', 'orders:write']) {
    const before = client.text().length
    client.say(get)
    await client.hear('an answer', (text) => text.length > before && text.endsWith('ok'))
    await stage.reload(yaml(scopes))
  }
  assert.match(await client.end(), /Connection: close\r\n[\s\S]*ok$/)
})

test('H1-19: what a connection has behind it counts on after a reload, and nothing is read from one that has ended', async (t) => {
  let release: () => void = () => undefined
  const upstream = await startUpstream(t, (request, response) => {
    if (request.url === '/slow') release = () => response.end('slow')
    else response.end('ok')
  })
  const yaml = (scopes: string) => issuerYaml() + entries({ [upstream.url]: { ...orders, scopes } })
  const stage = await startGateway(t, yaml('orders:read'), { limits: { requests_per_connection: 3 } })
  const get = (path: string): Buffer =>
    requestBytes([`GET /orders${path} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${liveToken()}`])
  const client = await converse(t, stage.port)
  for (const count of [1, 2]) {
    client.say(get('/1'))
    await client.hear(
      `answer ${count}`,
      (text) => text.split('HTTP/1.1 200').length === count + 1 && text.endsWith('ok'),
    )
  }
  client.say(get('/slow'))
  await eventually(
    'the last one is upstream',
    () => upstream.connections() > 0 && release.length === 0 && upstream.seen.length === 3,
  )
  await stage.reload(yaml('orders:write'))
  // Behind the last request of the connection: nobody takes it, whichever config is running. What comes on another
  // connection later is read later.
  client.say(get('/behind'))
  for (const _ of [1, 2]) assert.equal(await ask(stage, '/orders/other'), 200)
  release()
  const text = await client.end()
  assert.equal(text.split('HTTP/1.1 200').length - 1, 3)
  assert.match(text, /Connection: close\r\n[\s\S]*slow$/)
  assert.ok(wholeAnswer(text))
  assert.deepEqual(upstream.seen.map(({ target }) => target).toSorted(), ['/1', '/1', '/other', '/other', '/slow'])
})
