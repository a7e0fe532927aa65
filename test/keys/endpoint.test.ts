import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createEndpoint, type EndpointOptions } from '../../src/keys/endpoint.ts'
import { createHttpClient } from '../../src/keys/http-client.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { json, type KeyServer, startKeyServer, status } from './key-server.ts'
import { minute } from './remote-setup.ts'
import { certificate, tls } from './tls.ts'

const oauth = '/.well-known/oauth-authorization-server'
const oidc = '/.well-known/openid-configuration'

const setUp = (t: TestContext, issuer: string, change: Partial<EndpointOptions> = {}, ca?: string) => {
  const client = createHttpClient(ca, 2_000)
  t.after(() => client.close())
  const clock = createManualClock()
  const options = {
    issuer,
    metadataUrl: undefined,
    allowHttp: false,
    timeoutMs: 2_000,
    endpoint: undefined,
    intervalMs: 10 * minute,
    cooldownMs: 30_000,
    ...change,
  }
  const endpoint = createEndpoint(options, client, clock)
  const where = async (): Promise<string> => {
    const located = await endpoint.locate()
    return located.ok ? located.url : located.message
  }
  return { endpoint, clock, where }
}

const metadata = (server: KeyServer, members: Readonly<Record<string, unknown>> = {}) =>
  json({ issuer: server.origin, introspection_endpoint: server.url('/introspect'), ...members })

test('the endpoint is the one that the metadata of the issuer name, looked for once and by one request at a time', async (t) => {
  const server = await startKeyServer(t)
  server.set(oauth, metadata(server))
  const { where } = setUp(t, server.origin)
  assert.deepEqual(new Set(await Promise.all([where(), where(), where()])), new Set([server.url('/introspect')]))
  await where()
  assert.equal(server.allHits(), 1)
})

test('metadata that do not name it are passed over for those in the next place', async (t) => {
  const server = await startKeyServer(t)
  server.set(oauth, metadata(server, { introspection_endpoint: undefined }))
  server.set(oidc, metadata(server))
  assert.equal(await setUp(t, server.origin).where(), server.url('/introspect'))
})

for (const [name, members, message] of [
  ['AS-1: of another issuer', { issuer: 'https://other.test' }, /names the issuer/],
  ['without an endpoint', { introspection_endpoint: undefined }, /has no introspection_endpoint/],
  ['with an endpoint of another type', { introspection_endpoint: ['x'] }, /has no introspection_endpoint/],
  [
    'AS-5: with an endpoint on plain http',
    { introspection_endpoint: 'http://as.test/i' },
    /plain http beyond loopback/,
  ],
  ['AS-6: with a relative endpoint', { introspection_endpoint: '/introspect' }, /not an absolute URL/],
  ['AS-6: with credentials in it', { introspection_endpoint: 'https://a:b@as.test/' }, /carries credentials/],
] as const) {
  test(`metadata ${name} do not count`, async (t) => {
    const server = await startKeyServer(t)
    server.set(oauth, metadata(server, members))
    assert.match(await setUp(t, server.origin).where(), message)
  })
}

test('AS-5: metadata that came over https cannot point to plain http, not even on loopback', async (t) => {
  const server = await startKeyServer(t, tls)
  server.set(oauth, metadata(server, { introspection_endpoint: 'http://127.0.0.1:1/introspect' }))
  assert.match(await setUp(t, server.origin, {}, certificate).where(), /although the metadata came over https/)
})

test('a failure is not asked about again within five seconds, however long the cool-down', async (t) => {
  const server = await startKeyServer(t)
  server.set(oauth, status(500))
  const { where, clock } = setUp(t, server.origin)
  assert.match(await where(), /answered 500/)
  const hits = server.allHits()
  server.set(oauth, metadata(server))
  clock.advance(4_999)
  assert.match(await where(), /answered 500/)
  assert.equal(server.allHits(), hits)
  clock.advance(1)
  assert.equal(await where(), server.url('/introspect'))
})

test('what was found stays while it is looked for again, nobody waits for that, and a move is followed', async (t) => {
  const server = await startKeyServer(t)
  server.set(oauth, metadata(server))
  const { where, clock } = setUp(t, server.origin)
  await where()
  let fail = (): void => undefined
  const asked = new Promise<string>((resolve) => {
    server.set(oauth, (request, response) => {
      fail = () => status(500)(request, response)
      resolve('somebody waits')
    })
  })
  clock.advance(10 * minute)
  assert.equal(await Promise.race([where(), asked]), server.url('/introspect'))
  await asked
  assert.equal(await where(), server.url('/introspect'))
  server.set(oidc, status(500))
  fail()
  server.set(oauth, status(500))
  await eventually('it is looked for after the failure', async () => {
    clock.advance(30_000)
    assert.equal(await where(), server.url('/introspect'))
    return server.hits(oauth) > 3
  })
  server.set(oauth, metadata(server, { introspection_endpoint: server.url('/moved') }))
  await eventually('the move is followed', async () => {
    clock.advance(10 * minute)
    return (await where()) === server.url('/moved')
  })
})

test('an endpoint of the config is asked as it stands, judged like any other URL, and no metadata are read', async (t) => {
  const server = await startKeyServer(t)
  assert.equal(await setUp(t, server.origin, { endpoint: 'https://as.test/i?x' }).where(), 'https://as.test/i?x')
  assert.match(await setUp(t, server.origin, { endpoint: 'http://as.test/i' }).where(), /plain http beyond loopback/)
  assert.equal(server.allHits(), 0)
})

test('a reload looks for it again at once; a failure keeps what was found, and what nobody needed is not looked for', async (t) => {
  const server = await startKeyServer(t)
  server.set(oauth, metadata(server))
  const { endpoint, where } = setUp(t, server.origin)
  await endpoint.reload()
  assert.equal(server.allHits(), 0)
  await where()
  server.set(oauth, metadata(server, { introspection_endpoint: server.url('/moved') }))
  await endpoint.reload()
  assert.equal(await where(), server.url('/moved'))
  server.set(oauth, status(500))
  await endpoint.reload()
  assert.equal(await where(), server.url('/moved'))
})

test('a reload does not take the answer of a look that began before it', async (t) => {
  const server = await startKeyServer(t)
  let answer = (): void => undefined
  const asked = new Promise<void>((resolve) => {
    server.set(oauth, (request, response) => {
      answer = () => metadata(server)(request, response)
      resolve()
    })
  })
  const { endpoint, where } = setUp(t, server.origin)
  const first = where()
  await asked
  const reloaded = endpoint.reload()
  server.set(oauth, metadata(server, { introspection_endpoint: server.url('/moved') }))
  answer()
  await Promise.all([first, reloaded])
  assert.equal(await where(), server.url('/moved'))
})
