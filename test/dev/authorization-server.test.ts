import assert from 'node:assert/strict'
import { once } from 'node:events'
import { connect } from 'node:net'
import { test } from 'node:test'
import { decodeJwt } from 'jose'
import { startAuthorizationServer } from '../../src/dev/authorization-server.ts'
import { startTestAuthorizationServer } from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'
const resources = { [ORDERS]: ['orders:read'] }

const json = async (url: string): Promise<Record<string, unknown>> => {
  const response = await fetch(url)
  assert.equal(response.status, 200, url)
  return (await response.json()) as Record<string, unknown>
}

test('AS-7: the RFC 8414 and the OpenID document agree and name this issuer', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())

  const oauth = await json(`${server.issuer}/.well-known/oauth-authorization-server`)
  assert.deepEqual(await json(`${server.issuer}/.well-known/openid-configuration`), oauth)
  assert.equal(oauth.issuer, server.issuer)
  assert.equal(oauth.jwks_uri, `${server.issuer}/jwks`)
  assert.equal(oauth.token_endpoint, `${server.issuer}/token`)
  assert.deepEqual(oauth.code_challenge_methods_supported, ['S256'])
  assert.deepEqual(oauth.grant_types_supported, ['authorization_code', 'refresh_token', 'client_credentials'])
})

test('AS-2: an issuer with a path is found with the well-known part before the path, and after it', async (t) => {
  const server = await startTestAuthorizationServer({ resources, issuerPath: '/tenant/one' })
  t.after(() => server.close())
  const origin = new URL(server.issuer).origin

  const inserted = await json(`${origin}/.well-known/oauth-authorization-server/tenant/one`)
  assert.deepEqual(await json(`${origin}/.well-known/openid-configuration/tenant/one`), inserted)
  assert.deepEqual(await json(`${origin}/tenant/one/.well-known/openid-configuration`), inserted)
  assert.equal(inserted.issuer, server.issuer)
  assert.equal(inserted.jwks_uri, `${server.issuer}/jwks`)
  assert.equal((await fetch(`${origin}/.well-known/openid-configuration`)).status, 404)
  assert.equal((await fetch(`${origin}/tenant/one-more/jwks`)).status, 404)

  const { access_token } = await server.codeFlow({ resource: [ORDERS], scope: 'orders:read' })
  assert.equal(decodeJwt(access_token ?? '').iss, server.issuer)
})

test('tokens live as long as the configuration says, for users and for clients', async (t) => {
  // `6600ms` in the configuration; expires_in is a whole number of seconds.
  const server = await startTestAuthorizationServer({ resources, accessTokenTtlSeconds: 6.6 })
  t.after(() => server.close())

  const own = await server.clientCredentials({ resource: ORDERS })
  const user = await server.codeFlow({ resource: [ORDERS], scope: 'orders:read' })
  const opaque = await server.clientCredentials()
  assert.deepEqual([own.expires_in, user.expires_in, opaque.expires_in], [7, 7, 7])
})

test('a wrong secret, an unknown client and an unregistered redirect URI get nothing', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())
  const ask = (client_id: string, client_secret: string) =>
    server.token({ grant_type: 'client_credentials', client_id, client_secret, resource: ORDERS })

  assert.equal((await ask('machine', 'guess')).error, 'invalid_client')
  assert.equal((await ask('nobody', 'guess')).error, 'invalid_client')
  const elsewhere = `${server.issuer}/auth?client_id=web&response_type=code&redirect_uri=https://evil.example.com/cb`
  assert.equal((await fetch(elsewhere, { redirect: 'manual' })).status, 400)
})

test('a native client is redirected to any port of its loopback address (RFC 8252 7.3), not to another path', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())
  const status = async (uri: string) => {
    const query = new URLSearchParams({
      client_id: 'web',
      response_type: 'code',
      redirect_uri: uri,
      resource: ORDERS,
      code_challenge: 'x'.repeat(43),
      code_challenge_method: 'S256',
    })
    return (await fetch(`${server.issuer}/auth?${query}`, { redirect: 'manual' })).status
  }

  assert.equal(await status('http://127.0.0.1:59999/cb'), 303)
  assert.equal(await status('http://127.0.0.1:4455/other'), 400)
})

test('a web page may use the token endpoint for a public client that is redirected to its origin, and no other', async (t) => {
  const redirectUris = ['http://127.0.0.1:4455/cb']
  const server = await startTestAuthorizationServer({
    resources,
    clients: { web: { redirectUris }, confidential: { secret: 's3cret', roles: ['all'], redirectUris } },
  })
  t.after(() => server.close())
  const allowed = async (origin: string, client: Record<string, string>) => {
    const body = new URLSearchParams({ grant_type: 'client_credentials', ...client })
    const response = await fetch(`${server.issuer}/token`, { method: 'POST', body, headers: { origin } })
    return response.headers.get('access-control-allow-origin')
  }

  assert.equal(await allowed('http://127.0.0.1:4455', { client_id: 'web' }), 'http://127.0.0.1:4455')
  assert.equal(await allowed('http://evil.example.com', { client_id: 'web' }), null)
  const confidential = { client_id: 'confidential', client_secret: 's3cret' }
  assert.equal(await allowed('http://127.0.0.1:4455', confidential), null)
})

test('a taken port is an error that names the address and the config key', async (t) => {
  const server = await startTestAuthorizationServer({ resources })
  t.after(() => server.close())
  const port = Number(new URL(server.issuer).port)
  const none = { roles: new Map(), users: new Map(), clients: new Map(), encrypt: [], apis: [] }

  await assert.rejects(
    startAuthorizationServer({
      issuer: server.issuer,
      host: '127.0.0.1',
      port,
      dev: { issuer: 'main', accessTokenTtlSeconds: 60, defaultResource: undefined, ...none },
      resources: [],
      log: () => {},
    }),
    { message: `cannot listen on 127.0.0.1:${port} (config key issuers.main): the port is taken by another process` },
  )
})

test('close ends the listener and its connections, one with half a request included', async () => {
  const server = await startTestAuthorizationServer({ resources })
  await json(`${server.issuer}/jwks`)
  const half = connect(Number(new URL(server.issuer).port), '127.0.0.1')
  half.on('error', () => {})
  half.write('GET /jwks HTTP/1.1\r\nHost: 127.0.0.1\r\n')
  await once(half, 'connect')
  await json(`${server.issuer}/jwks`)
  const ended = once(half, 'close')
  await server.close()
  await ended

  await assert.rejects(fetch(`${server.issuer}/jwks`))
  assert.deepEqual(server.logged, [])
})
