import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { test } from 'node:test'
import { decodeJwt, decodeProtectedHeader } from 'jose'
import { startDevServers } from '../../src/dev/dev-servers.ts'
import type { DevOptions } from '../../src/dev/options.ts'
import { devResource } from '../support/dev-resources.ts'
import { createDecryptionJwk } from '../support/encryption-keys.ts'
import { freePort } from '../support/free-port.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'
const GATEWAY = 'http://127.0.0.1:8080'

const setting = async ({ issuer = 'http://127.0.0.1:0', taken }: { issuer?: string; taken?: string } = {}) => {
  const api = `http://127.0.0.1:${await freePort()}`
  const dev: DevOptions = {
    issuer: 'main',
    accessTokenTtlSeconds: 60,
    defaultResource: undefined,
    roles: new Map([['clerk', new Map([[ORDERS, ['orders:read', 'orders:write']]])]]),
    users: new Map([['alice', { roles: ['clerk'] }]]),
    clients: new Map([['cli', { secret: 'dev', roles: ['clerk'], redirectUris: [] }]]),
    encrypt: [],
    apis: [api, ...(taken === undefined ? [] : [taken])],
  }
  const orders = devResource(
    ORDERS,
    { 'GET /': { scopes: ['orders:read'] }, 'POST /': { scopes: ['orders:write'] } },
    { path: '/orders' },
  )
  // Would come first, but its tokens are somebody else's.
  const foreign = devResource(ORDERS, { 'GET /': {}, 'POST /': {} }, { path: '/foreign', issuers: ['other'] })
  const billing = devResource(BILLING, { _default: {} }, { host: 'billing.example.com' })
  return {
    api,
    options: {
      dev,
      issuer: { name: 'main', issuer, algorithms: ['RS256', 'ES256'], decryptionFile: undefined },
      upstreams: [
        { resource: foreign, origin: api, identityHeaders: ['X-Auth-Subject'] },
        { resource: orders, origin: api.replace('127.0.0.1', 'localhost'), identityHeaders: ['X-Auth-Subject'] },
        { resource: billing, origin: 'http://127.0.0.1:9', identityHeaders: [] },
      ],
      log: () => {},
    },
  }
}

test('the servers around the gateway run, their tokens fit the plan, and close leaves none of them', async () => {
  const { api, options } = await setting()
  const servers = await startDevServers(options)
  const issuer = servers.authorizationServer.issuer

  const lines = await servers.demo(GATEWAY)
  assert.deepEqual(
    lines.map(({ title, answer }) => `${title}: ${answer}`),
    [
      'allowed read: 200',
      'allowed write: 201',
      'no token: 401 token_missing',
      'token for the other API: 401 audience_mismatch',
      'missing scope: 403 scope_insufficient',
      'expired token: 401 token_expired',
    ],
  )
  assert.equal(lines[0]?.url, `${GATEWAY}/orders`)
  const claims = lines.map(({ accessToken }) => (accessToken === undefined ? undefined : decodeJwt(accessToken)))
  assert.deepEqual(
    claims.map((claim) => claim && [claim.iss, claim.aud, claim.scope]),
    [
      [issuer, ORDERS, 'orders:read orders:write'],
      [issuer, ORDERS, 'orders:read orders:write'],
      undefined,
      [issuer, BILLING, undefined],
      [issuer, ORDERS, 'orders:read'],
      [issuer, ORDERS, 'orders:read orders:write'],
    ],
  )
  assert.equal(decodeProtectedHeader(lines[3]?.accessToken ?? '').alg, 'ES256')
  const echo = (await (await fetch(`${api}/1`, { headers: { 'x-auth-subject': 'alice' } })).json()) as object
  assert.partialDeepStrictEqual(echo, { api: 'orders', identity: { 'X-Auth-Subject': 'alice' } })

  await servers.close()
  await assert.rejects(fetch(`${issuer}/jwks`))
  await assert.rejects(fetch(api))
})

test('the table names every place, with the host to send where the path alone does not do', async (t) => {
  const { api, options } = await setting()
  const servers = await startDevServers(options)
  t.after(() => servers.close())

  assert.deepEqual(servers.rows(GATEWAY).slice(1), [
    {
      where: 'http://127.0.0.1:8080/orders',
      what: `orders, resource ${ORDERS}, forwarded to ${api.replace('127.0.0.1', 'localhost')}`,
    },
    {
      where: 'http://127.0.0.1:8080',
      what: `billing (Host: billing.example.com), resource ${BILLING}, forwarded to http://127.0.0.1:9`,
    },
    { where: servers.authorizationServer.issuer, what: 'authorization server; users alice; clients cli' },
    { where: api, what: 'sample API, checks no token' },
  ])
})

test('an address that is taken is an error with its config key, and nothing is left running', async (t) => {
  const other = await startDevServers((await setting()).options)
  t.after(() => other.close())
  const taken = `http://127.0.0.1:${new URL(other.authorizationServer.issuer).port}`
  const { api, options } = await setting({ taken })

  await assert.rejects(startDevServers(options), {
    message: `cannot listen on ${taken.slice(7)} (config key dev.apis[1]): the port is taken by another process`,
  })
  await assert.rejects(fetch(api))
})

test('an issuer elsewhere cannot be played', async () => {
  const { options } = await setting({ issuer: 'https://auth.example.com/oidc' })

  await assert.rejects(startDevServers(options), /^Error: issuers\.main: .* not https:\/\/auth\.example\.com\/oidc$/)
})

test('tokens for the resources of `dev.encrypt` are encrypted to the first key of the file that something can be encrypted to', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-dev-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'keys.json')
  const key = createDecryptionJwk('P-256', { kid: 'enc-1' })
  writeFileSync(file, JSON.stringify({ keys: [createDecryptionJwk('oct32'), key] }))
  const { options } = await setting()
  const encrypting = { ...options, dev: { ...options.dev, encrypt: [ORDERS] } }
  const servers = await startDevServers({ ...encrypting, issuer: { ...options.issuer, decryptionFile: file } })
  t.after(() => servers.close())
  const [read] = await servers.demo(GATEWAY)
  const header = decodeProtectedHeader(read?.accessToken ?? '')
  assert.deepEqual([header.alg, header.enc, header.kid, header.cty], ['ECDH-ES+A256KW', 'A256GCM', 'enc-1', 'at+jwt'])
})

test('`dev.encrypt` without a file of keys, or with one that has none for it, is an error that says so', async (t) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-dev-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const { api, options } = await setting()
  const dev = { ...options.dev, encrypt: [ORDERS] }
  const starting = (decryptionFile: string | undefined) =>
    startDevServers({ ...options, dev, issuer: { ...options.issuer, decryptionFile } })

  await assert.rejects(starting(undefined), {
    message: 'issuers.main: `dev.encrypt` needs `decryption.jwks_file`, whose keys the tokens are encrypted to',
  })
  const file = join(folder, 'keys.json')
  const none = { message: `${file}: \`dev.encrypt\` needs an RSA, EC or X25519 key for encryption in it` }
  await assert.rejects(starting(file), none)
  writeFileSync(file, '{')
  await assert.rejects(starting(file), none)
  await assert.rejects(fetch(api))
})
