import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { endless, raw, reset, silence, startIntrospectionServer } from '../support/introspection-server.ts'
import { loggedRequests } from '../support/logged.ts'
import { liveKey, ORDERS } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

/** A gateway that asks a scriptable endpoint, and the members of an answer that is good now. */
const start = async (
  t: TestContext,
  introspection: Readonly<Record<string, unknown>> | false = {},
  listen: Readonly<Record<string, unknown>> = {},
  timeout = '300ms',
) => {
  const server = await startIntrospectionServer(t)
  const upstream = await startUpstream(t)
  const folder = mkdtempSync(join(tmpdir(), 'audgate-e2e-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const secret = join(folder, 'secret')
  writeFileSync(secret, 'wh1sper')
  const asking = { endpoint: server.url, client_id: 'gateway', client_secret_file: secret }
  const main = {
    issuer: 'https://as.test/oidc',
    keys: { jwks: { keys: [liveKey.jwk] } },
    refresh: { timeout },
    ...(introspection === false ? {} : { introspection: { ...asking, ...introspection } }),
  }
  const entry = { resource: ORDERS, at: '/orders', scopes: 'orders:read' }
  const stage = await startGateway(
    t,
    `issuers: ${JSON.stringify({ main })}\nupstreams: ${JSON.stringify({ [upstream.url]: entry })}\n`,
    listen,
  )
  const good = (change: Readonly<Record<string, unknown>> = {}) => ({
    active: true,
    iss: 'https://as.test/oidc',
    aud: ORDERS,
    scope: 'orders:read',
    exp: Math.floor(Date.now() / 1000) + 600,
    ...change,
  })
  const get = (token = 'opaque-token-1') =>
    fetch(`${stage.url}/orders/1`, { headers: { authorization: `Bearer ${token}` } })
  const ask = async (token?: string) => {
    const response = await get(token)
    const { reason } = (await response.json()) as { reason?: string }
    return `${response.status} ${reason ?? ''}`.trim()
  }
  return { server, upstream, stage, good, get, ask }
}

for (const [name, reply] of [
  ['silence', silence],
  ['a broken connection', reset],
  ['a body without end', endless],
  ['a 500', raw(500, '{"active":true}')],
  ['a redirect', raw(302, '', '', { location: '/introspect?yes' })],
  ['HTML', raw(200, '<html>true</html>', 'text/html')],
] as const) {
  test(`IN-9: ${name} from the endpoint is 503 with Retry-After and no challenge, and the upstream hears nothing`, async (t) => {
    const { server, upstream, stage, get, good, ask } = await start(t)
    server.say(reply)
    const response = await get()
    assert.deepEqual(
      [response.status, response.headers.get('retry-after'), response.headers.get('www-authenticate')],
      [503, '1', null],
    )
    assert.equal(((await response.json()) as { reason: string }).reason, 'introspection_unavailable')
    assert.equal(upstream.connections(), 0)
    const [line] = await loggedRequests(stage)
    assert.deepEqual([line?.reason, line?.issuer], ['introspection_unavailable', 'main'])
    assert.doesNotMatch(await stage.logText(), /opaque-token-1|wh1sper/)
    server.say(good())
    assert.equal(await ask(), '200')
  })
}

test('IN-9: an endpoint that is down is 503 for opaque tokens', async (t) => {
  const { server, ask, upstream } = await start(t)
  await server.close()
  assert.deepEqual([await ask(), upstream.connections()], ['503 introspection_unavailable', 0])
})

for (const [name, members, expected] of [
  ['for another API', { aud: 'https://api.test/billing' }, '401 audience_mismatch'],
  ['for nobody', { aud: undefined }, '401 audience_missing'],
  ['of another issuer', { iss: 'https://other.test' }, '401 issuer_untrusted'],
  ['that is expired', { exp: 1_000 }, '401 token_expired'],
  ['without the scope', { scope: 'orders:write' }, '403 scope_insufficient'],
  ['bound to a key, sent as bearer (IN-7)', { cnf: { jkt: 'x' } }, '401 proof_missing'],
  ['that says DPoP and no key (IN-7)', { token_type: 'DPoP' }, '401 proof_missing'],
  ['active by another word', { active: 'true' }, '401 token_inactive'],
] as const) {
  test(`IN-4, IN-5: a token ${name} is ${expected}, whatever the endpoint thinks of it`, async (t) => {
    const { server, upstream, ask, good } = await start(t)
    server.say(good(members))
    assert.deepEqual([await ask(), upstream.connections()], [expected, 0])
  })
}

test('IN-10: a hundred requests at a time with one token are one call; the next ones none', async (t) => {
  const { server, ask, good, stage } = await start(t)
  server.say(good())
  const answers = await Promise.all(Array.from({ length: 100 }, () => ask()))
  assert.deepEqual([new Set(answers), server.calls.length], [new Set(['200']), 1])
  assert.equal(await ask(), '200')
  assert.equal(server.calls.length, 1)
  assert.match(await stage.metrics(), /audgate_introspections_total\{[^}]*result="active"\} 1\n/)
})

test('IN-10: what is no token by its syntax or length is never asked about', async (t) => {
  const { server, ask } = await start(t)
  assert.deepEqual(
    [await ask('not"a token'), await ask('x'.repeat(8193))].map((answer) => answer.slice(0, 3)),
    ['400', '401'],
  )
  assert.equal(server.calls.length, 0)
})

test('an opaque token where the issuer takes none is `token_opaque`, with a hint for the operator', async (t) => {
  const { server, ask, stage, upstream } = await start(t, false)
  assert.equal(await ask(), '401 token_opaque')
  const [line] = await loggedRequests(stage)
  assert.match(String(line?.detail), /\(opaque token: was `resource` sent to the authorization server\?\)$/)
  assert.deepEqual([server.calls.length, upstream.connections()], [0, 0])
})

test('closing does not wait for an issuer that does not answer: who asked is cut with the rest', async (t) => {
  const { server, upstream, stage, get } = await start(t, {}, { timeouts: { drain: '50ms' } }, '60s')
  server.say(silence)
  const cut = Promise.allSettled(Array.from({ length: 20 }, (_, index) => get(`opaque-${index}`)))
  await eventually('the issuer is asked', () => server.calls.length === 20)
  const began = performance.now()
  assert.equal(await stage.gateway.close(0), 20)
  // Without a word from the issuer the last records are there well before the second that they are given.
  assert.ok(performance.now() - began < 900, `${performance.now() - began}`)
  assert.ok((await cut).every(({ status }) => status === 'rejected'))
  assert.equal(upstream.seen.length, 0)
  assert.equal((await loggedRequests(stage, 20)).length, 20)
})
