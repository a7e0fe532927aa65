import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { resolve } from 'node:path'
import { test } from 'node:test'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'

const compile = (text: string, env: Record<string, string> = {}): Config => {
  const loaded = parseConfig(text, 'audgate.yaml', { env })
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(({ message }) => message).join('\n'))
  return loaded.config
}

const full = compile(readFileSync(resolve(import.meta.dirname, '../golden/config/good-full.yaml'), 'utf8'))
const base = 'issuers: { main: https://auth.example.com/oidc }\nupstreams:\n'
const shortest = compile(`${base}  http://127.0.0.1:3000: https://api.example.com/orders\n`)
const orders = full.resources.all[0]

test('the defaults are those of the contract', () => {
  const { listen, admin, log, requestId, readiness, refusals, issuers, upstreams, dev } = shortest
  assert.deepEqual(listen, {
    host: '0.0.0.0',
    port: 8080,
    trustedProxies: [],
    requireHttps: false,
    timeouts: { headerMs: 10_000, idleMs: 75_000, bodyIdleMs: 60_000, drainDelayMs: 0, drainMs: 30_000 },
    limits: { headerSize: 16_384, targetSize: 8_192, tokenSize: 8_192, bodySize: 0 },
  })
  assert.deepEqual(
    [admin, log],
    [
      { host: '127.0.0.1', port: 9090 },
      { level: 'info', format: 'json' },
    ],
  )
  assert.deepEqual([requestId, readiness], [{ header: 'X-Request-Id' }, { keys: 'all', maxWaitMs: 60_000 }])
  assert.deepEqual([refusals, dev], [{ exposeReason: true }, undefined])
  assert.deepEqual(issuers[0], {
    name: 'main',
    issuer: 'https://auth.example.com/oidc',
    token: {
      profile: 'rfc9068',
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
      clockToleranceSeconds: 30,
      claims: { scope: undefined, clientId: undefined },
    },
    keys: {
      source: { kind: 'discovery' },
      metadataUrl: undefined,
      ca: undefined,
      refresh: { intervalMs: 600_000, maxStaleMs: 86_400_000, cooldownMs: 30_000, timeoutMs: 5_000 },
      allowHttp: false,
    },
  })
  assert.deepEqual(upstreams[0]?.options, {
    origin: 'http://127.0.0.1:3000',
    authority: '127.0.0.1:3000',
    basePath: '',
    authorization: 'forward',
    identityHeaders: [],
    timeouts: { connectMs: 5_000, responseMs: 30_000, idleMs: 300_000 },
    pool: { connections: 128 },
  })
})

test('RI-4: an indicator is kept byte for byte, and accepted audiences follow it', () => {
  const odd = 'https://API.example.com:443/a%7Eb/?x'
  const { resources } = compile(
    `${base}  http://127.0.0.1:3000: { resource: "${odd}", at: /a, accept_audiences: [b, b, "${odd}"] }\n`,
  )
  assert.deepEqual(resources.all[0]?.audiences, [odd, 'b'])
})

test('every kind of rule is compiled: scopes of the resource come first, on every route', () => {
  const rules = Object.fromEntries((orders?.all ?? []).map(({ key, rule }) => [key, rule]))
  const token = (scopes: readonly string[]) => ({ kind: 'token', scopes, anyScope: [], claims: [] })
  assert.deepEqual(rules['POST,PUT /{id}'], token(['orders:use', 'orders:write', 'orders:audit']))
  assert.deepEqual(rules['GET /health'], { kind: 'public' })
  assert.deepEqual(rules['DELETE /{id}'], { kind: 'deny' })
  assert.deepEqual(rules['/me'], token(['orders:use']))
  assert.deepEqual(rules._otherwise, token(['orders:use']))
  assert.deepEqual(rules['GET /accounts/{account}/**'], {
    kind: 'token',
    scopes: ['orders:use', 'accounts:read'],
    anyScope: ['accounts:all', 'admin'],
    claims: [
      { claim: 'account_id', oneOf: [{ kind: 'parameter', name: 'account' }] },
      {
        claim: 'plan',
        oneOf: [
          { kind: 'literal', value: 'gold' },
          { kind: 'literal', value: 'platinum' },
        ],
      },
      { claim: 'level', oneOf: [{ kind: 'literal', value: 3 }] },
      { claim: 'active', oneOf: [{ kind: 'literal', value: true }] },
    ],
  })
})

test('without `otherwise`, what no route matches is denied; without `routes`, `scopes` are needed', () => {
  const { resources } = compile(
    `${base}  http://127.0.0.1:3000: { resource: https://a.example.com, routes: { GET /: public } }\n` +
      '  http://127.0.0.1:3001: { resource: https://b.example.com, scopes: "x y" }\n',
  )
  assert.deepEqual(resources.all[0]?.otherwise.rule, { kind: 'deny' })
  assert.deepEqual(resources.all[1]?.otherwise, {
    index: 0,
    key: '_default',
    methods: undefined,
    rule: { kind: 'token', scopes: ['x', 'y'], anyScope: [], claims: [] },
  })
})

test('a list makes one resource of each entry, and each keeps its own upstream options', () => {
  assert.deepEqual(
    full.upstreams.map(({ key, resource }) => [key, resource.index, resource.name, resource.issuers]),
    [
      ['http://127.0.0.1:3000/v1', 0, 'orders', ['main', 'partner']],
      ['https://billing.internal', 1, 'api.example.com-billing', ['main']],
      ['https://billing.internal', 2, 'example-billing', ['partner']],
    ],
  )
  assert.equal(full.upstreams[0]?.options.basePath, '/v1')
  assert.equal(full.upstreams[0]?.options.authorization, 'strip')
  assert.equal(full.upstreams[1]?.options.authority, 'billing.internal')
})

for (const [indicator, name] of [
  ['https://api.example.com', 'api.example.com'],
  ['https://api.example.com/', 'api.example.com-'],
  ['https://api.example.com:8443/a/b?x=1', 'api.example.com-a-b'],
  ['https://[::1]:80/x', '---1--x'],
  ['urn:example:orders', 'example-orders'],
  ['api://orders/x', 'orders-x'],
] as const) {
  test(`the name of ${indicator} is ${name} unless the config says another`, () => {
    const { resources } = compile(`${base}  http://127.0.0.1:3000: { resource: "${indicator}", at: /a }\n`)
    assert.equal(resources.all[0]?.name, name)
  })
}

test('PR-4, PR-9: metadata carries the indicator as written and the issuers that count', () => {
  assert.deepEqual(JSON.parse(orders?.metadata?.document ?? ''), {
    resource: 'https://api.example.com/orders',
    authorization_servers: ['https://auth.example.com/oidc', 'https://partner.example.net'],
    scopes_supported: ['orders:read'],
    bearer_methods_supported: ['header'],
    resource_name: 'Orders',
    resource_documentation: 'https://docs.example.com',
  })
  assert.equal(full.resources.all[1]?.metadata, undefined)
})

test('what comes from the environment takes the type of its key', () => {
  const text =
    'listen: { address: "${ADDRESS}", require_https: "${YES}", limits: { body_size: "${SIZE}" } }\nadmin: "${NO}"\n' +
    `${base}  "\${BASE}/v1": { resource: "\${R}", pool: { connections: "\${N}" }, metadata: "\${NO}", paths: { parameters: "\${PASS}" } }\n`
  const config = compile(text, {
    ADDRESS: '127.0.0.1:1',
    YES: 'true',
    NO: 'false',
    SIZE: '1MiB',
    BASE: 'http://127.0.0.1:2',
    R: 'https://a.example.com/x',
    N: '7',
    PASS: 'pass',
  })
  assert.deepEqual(
    [config.listen.port, config.listen.requireHttps, config.listen.limits.bodySize],
    [1, true, 1_048_576],
  )
  assert.deepEqual([config.admin, config.upstreams[0]?.key], [undefined, 'http://127.0.0.1:2/v1'])
  assert.equal(config.upstreams[0]?.options.pool.connections, 7)
  assert.equal(config.resources.all[0]?.metadata, undefined)
  assert.equal(config.resources.all[0]?.paths.parameters, true)
})

test('a quoted number that is not from the environment stays a text, and is refused', () => {
  const loaded = parseConfig(
    `${base}  http://127.0.0.1:3000: { resource: https://a.example.com/x, pool: { connections: "7" } }\n`,
    'a',
    { env: {} },
  )
  assert.deepEqual(loaded.ok ? [] : loaded.problems.map(({ message }) => message), ['`connections` must be a number'])
})

test('the dev block is compiled to maps', () => {
  assert.deepEqual(full.dev?.accessTokenTtlSeconds, 3600)
  assert.deepEqual(full.dev?.roles.get('clerk')?.get('https://api.example.com/orders'), ['orders:read', 'orders:write'])
  assert.deepEqual(full.dev?.clients.get('web'), {
    secret: undefined,
    roles: [],
    redirectUris: ['http://127.0.0.1:4455/cb'],
  })
})
