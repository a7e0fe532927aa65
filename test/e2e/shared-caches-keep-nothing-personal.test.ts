import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { Agent, type Dispatcher, interceptors, request } from 'undici'
import { createProver, presenting } from '../support/dpop.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS, startOrders } from '../support/orders.ts'
import { type SpyAnswer, startSpied } from '../support/spy.ts'
import { startUpstream, type TestUpstream } from '../support/upstream.ts'

/** A shared cache as RFC 9111 has it. */
const sharedCache = (t: TestContext): Dispatcher => {
  const agent = new Agent()
  t.after(() => agent.close())
  return agent.compose(interceptors.cache({ type: 'shared' }))
}

const get = async (url: string, subject: string, cache?: Dispatcher) => {
  const headers = { authorization: `Bearer ${liveToken({ sub: subject })}` }
  const { body, headers: answered, statusCode } = await request(url, { headers, ...(cache && { dispatcher: cache }) })
  return { text: await body.text(), headers: answered, status: statusCode }
}

/** Says who asked, and that everybody may have it. */
const personal = (t: TestContext, cacheControl: string, more: Readonly<Record<string, string>> = {}) =>
  startUpstream(t, (asked, response) => {
    asked.resume().once('end', () => {
      response.writeHead(200, { 'Cache-Control': cacheControl, ...more })
      response.end(`for ${asked.headers['x-auth-subject'] ?? 'nobody'}`)
    })
  })

const identity = { identity_headers: { 'X-Auth-Subject': 'sub' } }

test('CA-2: a shared cache in front of the gateway gives nobody the answer of another, whatever the upstream says', async (t) => {
  for (const cacheControl of ['public, max-age=600', 's-maxage=600', 'max-age=600, must-revalidate', 'public']) {
    const upstream = await personal(t, cacheControl, {
      'CDN-Cache-Control': 'max-age=600',
      'Surrogate-Control': 'public',
    })
    const stage = await startOrders(t, identity, { upstream })
    const cache = sharedCache(t)
    for (const subject of ['alice', 'bob', 'alice']) {
      const { text, headers } = await get(`${stage.url}/orders/1`, subject, cache)
      assert.equal(text, `for ${subject}`, cacheControl)
      assert.match(String(headers['cache-control']), /(?:^|, )private$/)
      assert.deepEqual([headers['cdn-cache-control'], headers['surrogate-control']], [undefined, undefined])
    }
    // Without the gateway in between, that cache would have done it.
    const alone = sharedCache(t)
    for (let i = 0; i < 2; i++) await get(`${upstream.url}/alone`, `nobody ${i}`, alone)
    assert.equal(upstream.seen.filter(({ target }) => target === '/alone').length, cacheControl === 'public' ? 2 : 1)
  }
})

test('CA-2: of a public route everything stays as the upstream said it', async (t) => {
  const said = { 'CDN-Cache-Control': 'max-age=600' }
  const stage = await startOrders(
    t,
    { routes: { '/**': 'public' } },
    { upstream: await personal(t, 'public, s-maxage=600', said) },
  )
  const cache = sharedCache(t)
  for (const subject of ['alice', 'bob']) {
    const { headers } = await get(`${stage.url}/orders/1`, subject)
    assert.equal(headers['cache-control'], 'public, s-maxage=600')
    assert.equal(headers['cdn-cache-control'], 'max-age=600')
  }
  for (let i = 0; i < 2; i++) await (await request(`${stage.url}/orders/2`, { dispatcher: cache })).body.dump()
  assert.equal(stage.upstream.seen.filter(({ target }) => target === '/2').length, 1)
})

/** A cache that others share as a server of its own, in front of an upstream. */
const startCache = async (t: TestContext, upstream: TestUpstream): Promise<string> => {
  const dispatcher = sharedCache(t)
  const server = createServer(async (asked, response) => {
    const { host: _, connection: __, ...headers } = asked.headers
    const answer = await request(`${upstream.url}${asked.url}`, { dispatcher, headers })
    response.writeHead(answer.statusCode, answer.headers)
    response.end(await answer.body.text())
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}`
}

test('CA-3: a shared cache behind the gateway keeps nothing of an answer whose request lost its credential', async (t) => {
  const upstream = await personal(t, 'public, max-age=600')
  const map = {
    [await startCache(t, upstream)]: { resource: ORDERS, at: '/orders', authorization: 'strip', ...identity },
  }
  const stage = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
  for (const subject of ['alice', 'bob', 'alice']) {
    assert.equal((await get(`${stage.url}/orders/1`, subject)).text, `for ${subject}`)
  }
  assert.equal(upstream.seen.length, 3)
})

test('CA-3: the request says `no-store` then and only then, and what asks for a stored answer is taken out', async (t) => {
  const ask = async (entry: Readonly<Record<string, unknown>>, path: string) => {
    const stage = await startSpied(t, { entry: { routes: { '/open': 'public', '/**': 'authenticated' }, ...entry } })
    const headers = { authorization: `Bearer ${stage.token()}`, 'cache-control': 'max-stale=60, max-age=5' }
    await (await request(`${stage.url}/orders/${path}`, { headers })).body.dump()
    return stage.spy.requests.at(-1)?.values('cache-control')
  }
  const asSent = ['max-stale=60, max-age=5']
  assert.deepEqual(await ask({ authorization: 'strip' }, '1'), ['no-store, max-age=5'])
  assert.deepEqual(await ask({ authorization: 'strip' }, 'open'), asSent)
  assert.deepEqual(await ask({}, '1'), asSent)
})

const cacheable: SpyAnswer = () =>
  'HTTP/1.1 200 OK\r\nCache-Control: public, max-age=600\r\nETag: "1"\r\nContent-Length: 2\r\n\r\nok'

test('CA-6: the gateway keeps no answer: each request goes to the upstream', async (t) => {
  for (const entry of [{}, { routes: { '/**': 'public' } }]) {
    const stage = await startSpied(t, { answer: cacheable, entry })
    for (let i = 1; i <= 3; i++) {
      assert.equal((await get(`${stage.url}/orders/1`, 'alice')).text, 'ok')
      assert.equal(stage.spy.requests.length, i)
    }
  }
})

test('CA-1, CA-4: no refusal is kept, one with a nonce among them', async (t) => {
  const alice = await createProver()
  const stage = await startSpied(t, { extra: 'dpop: { nonces: true }\n' })
  const token = liveToken({ cnf: { jkt: alice.jkt } })
  const uri = `${stage.url}/orders/1`
  const nonce = await fetch(uri, { headers: presenting(token, alice.prove({ token, uri })) })
  assert.equal(nonce.status, 401)
  assert.ok(nonce.headers.get('dpop-nonce'))
  const unknown = await fetch(`${stage.url}/nowhere`)
  const refused = await fetch(uri, { method: 'POST' })
  const malformed = await fetch(`${stage.url}/orders//1`, { headers: { authorization: stage.authorization } })
  for (const answer of [nonce, unknown, refused, malformed]) {
    assert.ok(answer.status >= 400)
    assert.equal(answer.headers.get('cache-control'), 'no-store', `${answer.status}`)
  }
})

test('CA-7: a token in the query is no credential, so no answer depends on one', async (t) => {
  const stage = await startSpied(t, { answer: cacheable })
  const answer = await fetch(`${stage.url}/orders/1?access_token=${stage.token()}`)
  assert.equal(answer.status, 401)
  assert.equal(answer.headers.get('cache-control'), 'no-store')
  assert.equal(stage.spy.connections(), 0)
})
