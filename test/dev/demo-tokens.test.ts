import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRemoteJWKSet, decodeJwt, decodeProtectedHeader, errors, jwtVerify } from 'jose'
import { withDemoTokens } from '../../src/dev/demo-tokens.ts'
import { startTestAuthorizationServer } from '../support/authorization-server.ts'

const ORDERS = 'https://api.example.com/orders'

const start = () =>
  startTestAuthorizationServer({
    resources: [{ indicator: ORDERS, scopes: ['orders:read', 'orders:write'], algorithm: 'ES256' }],
  })

const line = { title: 'x', method: 'GET', url: 'http://127.0.0.1/', host: undefined, answer: '200' }
const wish = { indicator: ORDERS, scope: undefined, expired: false }
const client = { id: 'machine', secret: 'machine-secret' }

test('demo tokens come from the token endpoint, with the scopes wished for; no token stays no token', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const requested: string[] = []
  const counting: typeof fetch = (input, init) => {
    requested.push(String(input))
    return fetch(input, init)
  }

  const [full, weak, none] = await withDemoTokens(
    {
      client,
      lines: [
        { ...line, token: wish },
        { ...line, token: { ...wish, scope: 'openid' } },
        { ...line, token: undefined },
      ],
    },
    server,
    counting,
  )
  assert.equal(decodeJwt(full?.accessToken ?? '').scope, 'orders:read orders:write')
  assert.equal(decodeJwt(weak?.accessToken ?? '').scope, undefined)
  assert.equal(none?.accessToken, undefined)
  assert.deepEqual(requested, [`${server.issuer}/token`, `${server.issuer}/token`])
})

test('the expired token is signed by a published key and differs from a good one in its times only', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const keys = createRemoteJWKSet(new URL(`${server.issuer}/jwks`))

  const [good, expired] = await withDemoTokens(
    {
      client,
      lines: [
        { ...line, token: wish },
        { ...line, token: { ...wish, expired: true } },
      ],
    },
    server,
    fetch,
  )
  await assert.rejects(jwtVerify(expired?.accessToken ?? '', keys, { clockTolerance: 300 }), errors.JWTExpired)
  const { payload } = await jwtVerify(expired?.accessToken ?? '', keys, { currentDate: new Date(0) })
  const timeless = ({ iat: _iat, exp: _exp, jti: _jti, ...claims }: Record<string, unknown>) => claims
  assert.deepEqual(timeless(payload), timeless(decodeJwt(good?.accessToken ?? '')))
  assert.equal((payload.exp ?? 0) - (payload.iat ?? 0), 3600)
  assert.deepEqual(decodeProtectedHeader(expired?.accessToken ?? ''), decodeProtectedHeader(good?.accessToken ?? ''))
})

test('a token that cannot be had is an error that names resource and client, not the secret', async (t) => {
  const server = await start()
  t.after(() => server.close())
  const plan = { client: { id: 'machine', secret: 'wrong-one' }, lines: [{ ...line, token: wish }] }

  await assert.rejects(withDemoTokens(plan, server, fetch), {
    message: `no token for ${ORDERS} as client machine: 401 invalid_client`,
  })
})
