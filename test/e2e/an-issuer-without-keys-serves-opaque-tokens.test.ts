import assert from 'node:assert/strict'
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { raw, startIntrospectionServer } from '../support/introspection-server.ts'
import { loggedRequests } from '../support/logged.ts'
import { ORDERS } from '../support/orders.ts'
import { createKey, mint } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const members = { active: true, aud: ORDERS, scope: 'orders:read' }

/** An issuer whose metadata name an introspection endpoint that can be moved, and no keys. */
const start = async (t: TestContext, introspection: Readonly<Record<string, unknown>> = {}) => {
  const server = await startIntrospectionServer(t)
  const upstream = await startUpstream(t)
  let endpoint = server.url
  const metadata = createServer((request, response) => {
    const found = request.url === '/.well-known/oauth-authorization-server'
    const document = { issuer, introspection_endpoint: endpoint }
    response.writeHead(found ? 200 : 404, { 'content-type': 'application/json' }).end(JSON.stringify(document))
  })
  await new Promise<void>((resolve) => metadata.listen(0, '127.0.0.1', resolve))
  t.after(() => metadata.close())
  const issuer = `http://127.0.0.1:${(metadata.address() as AddressInfo).port}`
  const asking = { client_id: 'gateway', client_secret_file: temporaryFile(t, 'secret', 'wh1sper'), ...introspection }
  const stage = await startGateway(
    t,
    `issuers: ${JSON.stringify({ main: { issuer, introspection: asking } })}
upstreams: ${JSON.stringify({ [upstream.url]: { resource: ORDERS, at: '/orders', scopes: 'orders:read' } })}
`,
  )
  const ask = async (token: string) => {
    const response = await fetch(`${stage.url}/orders/1`, { headers: { authorization: `Bearer ${token}` } })
    const { reason = '' } = (await response.json()) as { reason?: string }
    return `${response.status} ${reason}`.trim()
  }
  const ready = async () => (await fetch(`http://127.0.0.1:${stage.adminPort}/readyz`)).status
  return { server, stage, issuer, ask, ready, move: (url: string) => (endpoint = url) }
}

test('an issuer that only answers questions makes nobody wait at the start: ready, opaque tokens pass, JWTs do not', async (t) => {
  const { server, stage, issuer, ask, ready } = await start(t)
  server.say(members)
  await eventually('it is ready', async () => (await ready()) === 200)
  assert.equal(await ask('opaque-1'), '200')
  assert.equal(await ask(mint({ key: createKey('ES256', 'k'), claims: { iss: issuer } })), '401 key_unknown')
  const log = await stage.log()
  assert.equal(log.filter(({ msg }) => msg === 'keys not fetched').length, 0)
  assert.equal(log.filter(({ detail }) => String(detail).includes('has no jwks_uri')).length, 1)
})

test('where answers are signed, keys are needed', async (t) => {
  const { stage, ready } = await start(t, { response: 'jwt' })
  await eventually('it has looked', async () => (await stage.logText()).includes('keys not fetched'))
  assert.equal(await ready(), 503)
})

test('a reload looks again where introspection is', async (t) => {
  const { server, stage, ask, move } = await start(t)
  server.say(members)
  assert.equal(await ask('opaque-1'), '200')
  move(`${server.url}/moved`)
  await stage.gateway.refreshKeys()
  assert.equal(await ask('opaque-2'), '200')
  assert.deepEqual(
    server.calls.map(({ path }) => path),
    ['/introspect', '/introspect/moved'],
  )
})

test('IN-8: the request line tells the operator why our credentials count for nothing, and the client hears nothing', async (t) => {
  const { server, stage } = await start(t)
  server.say(raw(401))
  const response = await fetch(`${stage.url}/orders/1`, { headers: { authorization: 'Bearer opaque-1' } })
  assert.equal(response.status, 500)
  assert.doesNotMatch(await response.text(), /credential|introspect|401/)
  const [line] = await loggedRequests(stage)
  assert.match(String(line?.detail), /answered 401, our own credentials are refused$/)
})
