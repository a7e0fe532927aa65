import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createProver } from '../support/dpop.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

const alice = await createProver()
const ORDERS = 'https://api.example.com/orders'
const token = liveToken({ aud: ORDERS, cnf: { jkt: alice.jkt } })

interface Ask {
  readonly target?: string
  readonly host?: string
  readonly lines?: readonly string[]
}

/** A gateway with one resource at this place, asked in plain http on loopback, as behind a TLS terminator. */
const startStage = async (t: TestContext, entry: Readonly<Record<string, unknown>>, listen = {}) => {
  const upstream = await startUpstream(t)
  const map = { [`${upstream.url}/v1`]: { resource: ORDERS, ...entry } }
  const gateway = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}\n`, listen)
  const ask = async (htu: string, { target = '/orders/1', host = 'api.example.com', lines = [] }: Ask = {}) => {
    const head = [
      `GET ${target} HTTP/1.1`,
      `Host: ${host}`,
      `Authorization: DPoP ${token}`,
      `DPoP: ${alice.prove({ token, uri: htu })}`,
      ...lines,
    ]
    const { status, text } = await sendRaw(gateway.port, requestBytes(head), { until: wholeAnswer })
    return status === 200 ? 'passed' : `${status} ${/"reason":"(\w+)"/.exec(text)?.[1] ?? ''}`
  }
  return { ...gateway, upstream, ask }
}

/** Lines by which a stranger says that he is somewhere else. */
const claimed: readonly (readonly string[])[] = [
  ['X-Forwarded-Host: evil.test'],
  ['X-Forwarded-Proto: http'],
  ['X-Forwarded-Proto: https', 'X-Forwarded-Host: evil.test', 'X-Forwarded-Port: 8443', 'X-Forwarded-Prefix: /x'],
  ['Forwarded: host=evil.test;proto=https'],
  ['X-Original-URL: /orders/2', 'X-Rewrite-URL: /orders/2'],
]

test('DP-7: on a host of its own, htu is the https URI of the config, though the request came over plain http', async (t) => {
  const { ask } = await startStage(t, {})
  for (const host of ['api.example.com', 'API.example.com', 'api.example.com:8080']) {
    assert.equal(await ask('https://api.example.com/orders/1', { host }), 'passed', host)
    assert.equal(await ask('HTTPS://API.Example.com:443/orders/1?x=1#f', { host }), 'passed', host)
    for (const htu of [
      'http://api.example.com/orders/1',
      'https://api.example.com:8080/orders/1',
      'https://evil.test/orders/1',
    ]) {
      assert.equal(await ask(htu, { host }), '401 proof_invalid', `${host} ${htu}`)
    }
  }
  assert.equal(await ask('https://api.example.com/orders', { target: '/orders?x=1' }), 'passed')
})

test('DP-7: the URI of the upstream and the path that it gets are no htu', async (t) => {
  const { ask, upstream } = await startStage(t, {})
  for (const htu of [`${upstream.url}/v1/1`, 'https://api.example.com/v1/1', 'https://api.example.com/1']) {
    assert.equal(await ask(htu), '401 proof_invalid', htu)
  }
  assert.equal(upstream.connections(), 0)
  assert.equal(await ask('https://api.example.com/orders/1'), 'passed')
  assert.equal(upstream.seen[0]?.target, '/v1/1')
})

test('DP-7: `at` says where clients reach it, path and port included', async (t) => {
  const { ask } = await startStage(t, { at: 'https://gw.test:8443/shop' })
  const to = { host: 'gw.test', target: '/shop/1' }
  assert.equal(await ask('https://gw.test:8443/shop/1', to), 'passed')
  for (const htu of ['https://gw.test/shop/1', 'https://api.example.com/orders/1', 'https://gw.test:8443/1']) {
    assert.equal(await ask(htu, to), '401 proof_invalid', htu)
  }
})

test('DP-7: on any host, transport and Host of the request decide', async (t) => {
  const { ask, port } = await startStage(t, { at: '/orders' })
  for (const host of [`127.0.0.1:${port}`, 'localhost:8080', 'LOCALHOST']) {
    assert.equal(await ask(`http://${host}/orders/1`, { host }), 'passed', host)
    assert.equal(await ask(`https://${host}/orders/1`, { host }), '401 proof_invalid', host)
    assert.equal(await ask('http://other.test/orders/1', { host }), '401 proof_invalid', host)
  }
  const target = 'http://whole.test/orders/1'
  assert.equal(await ask(target, { host: 'whole.test', target }), 'passed')
})

test('DP-7: what a stranger forwards changes nothing, on a host of its own and on any', async (t) => {
  const own = await startStage(t, {})
  const any = await startStage(t, { at: '/orders' })
  const host = 'localhost:8080'
  for (const lines of claimed) {
    const name = lines.join()
    assert.equal(await own.ask('https://api.example.com/orders/1', { lines }), 'passed', name)
    assert.equal(await own.ask('https://evil.test/orders/1', { lines }), '401 proof_invalid', name)
    assert.equal(await any.ask('http://localhost:8080/orders/1', { host, lines }), 'passed', name)
    for (const htu of ['https://localhost:8080/orders/1', 'https://evil.test/orders/1', 'http://evil.test/orders/1']) {
      assert.equal(await any.ask(htu, { host, lines }), '401 proof_invalid', `${name} ${htu}`)
    }
  }
})

test('DP-7: on any host, what a trusted proxy says of scheme and host counts', async (t) => {
  const { ask } = await startStage(t, { at: '/orders' }, { trusted_proxies: ['127.0.0.1'] })
  const host = 'shop.internal'
  const https = ['X-Forwarded-Proto: https', 'X-Forwarded-For: 192.0.2.1']
  assert.equal(await ask('https://shop.internal/orders/1', { host, lines: https }), 'passed')
  assert.equal(await ask('http://shop.internal/orders/1', { host, lines: https }), '401 proof_invalid')
  const named = [...https, 'X-Forwarded-Host: shop.test']
  assert.equal(await ask('https://shop.test/orders/1', { host, lines: named }), 'passed')
  assert.equal(await ask('https://shop.internal/orders/1', { host, lines: named }), '401 proof_invalid')
  for (const value of ['shop.test, other.test', 'shop.test/x', '']) {
    const broken = [...https, `X-Forwarded-Host: ${value}`]
    assert.equal(await ask('https://shop.internal/orders/1', { host, lines: broken }), 'passed', value)
  }
})

test('DP-7: on a host of its own, not even a trusted proxy moves a resource', async (t) => {
  const { ask } = await startStage(t, {}, { trusted_proxies: ['127.0.0.1'] })
  const lines = ['X-Forwarded-Proto: http', 'X-Forwarded-Host: evil.test']
  assert.equal(await ask('https://api.example.com/orders/1', { lines }), 'passed')
  assert.equal(await ask('http://evil.test/orders/1', { lines }), '401 proof_invalid')
})

test('DP-7: escapes are compared in one spelling, and the path goes on as it came', async (t) => {
  const { ask, upstream } = await startStage(t, { paths: { encoded_slashes: 'pass' } })
  for (const [target, htu] of [
    ['/orders/~a', 'https://api.example.com/orders/%7ea'],
    ['/orders/%c3%a9', 'https://api.example.com/orders/%C3%A9'],
    ['/orders/a%2fb', 'https://api.example.com/orders/a%2Fb'],
  ] as const) {
    assert.equal(await ask(htu, { target }), 'passed', target)
    assert.equal(upstream.seen.at(-1)?.target, `/v1${target.slice('/orders'.length)}`)
  }
  assert.equal(await ask('https://api.example.com/orders/a/b', { target: '/orders/a%2fb' }), '401 proof_invalid')
})
