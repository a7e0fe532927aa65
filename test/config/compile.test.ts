import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { noConditions } from '../../src/config/compile-rule.ts'
import type { Config } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { issue } from '../support/tls.ts'

const compile = (text: string, env: Record<string, string> = {}, file = 'audgate.yaml'): Config => {
  const loaded = parseConfig(text, file, { env })
  assert.ok(loaded.ok, loaded.ok ? '' : loaded.problems.map(({ message }) => message).join('\n'))
  return loaded.config
}

const fullFile = resolve(import.meta.dirname, '../golden/config/good-full.yaml')
const full = compile(readFileSync(fullFile, 'utf8'), {}, fullFile)
const base = 'issuers: { main: https://auth.example.com/oidc }\nupstreams:\n'
const shortest = compile(`${base}  http://127.0.0.1:3000: https://api.example.com/orders\n`)
const orders = full.resources.all[0]

test('the defaults are those of the contract', () => {
  const { listen, admin, log, requestId, traceContext, readiness, refusals, dpop, store } = shortest
  const { issuers, upstreams, dev } = shortest
  assert.deepEqual(listen, {
    host: '0.0.0.0',
    port: 8080,
    trustedProxies: [],
    requireHttps: false,
    refuseEarlyData: false,
    tls: undefined,
    timeouts: {
      headerMs: 10_000,
      idleMs: 75_000,
      bodyIdleMs: 60_000,
      requestMs: 0,
      connectionMs: 0,
      drainDelayMs: 0,
      drainMs: 30_000,
    },
    limits: {
      headerSize: 16_384,
      targetSize: 8_192,
      tokenSize: 8_192,
      bodySize: 0,
      connections: 0,
      connectionsPerClient: 0,
      requestsPerConnection: 0,
    },
  })
  assert.deepEqual(
    [admin, log],
    [
      { host: '127.0.0.1', port: 9090 },
      { level: 'info', format: 'json' },
    ],
  )
  assert.deepEqual([requestId, readiness], [{ header: 'X-Request-Id' }, { keys: 'all', maxWaitMs: 60_000 }])
  assert.deepEqual(
    [refusals, dev, store],
    [{ exposeReason: true, proxyStatus: undefined }, undefined, { kind: 'memory' }],
  )
  assert.equal(traceContext, 'propagate')
  assert.deepEqual(dpop, {
    ageMs: 60_000,
    nonces: false,
    algorithms: ['ES256', 'ES384', 'PS256', 'RS256', 'EdDSA', 'Ed25519'],
    nonceSecret: undefined,
  })
  assert.deepEqual(issuers[0], {
    name: 'main',
    issuer: 'https://auth.example.com/oidc',
    token: {
      profile: 'rfc9068',
      algorithms: ['RS256', 'PS256', 'ES256', 'ES384', 'ES512', 'EdDSA', 'Ed25519'],
      clockToleranceSeconds: 30,
      claims: { scope: undefined, clientId: undefined },
      maxTokenAgeSeconds: undefined,
      introspection: undefined,
      decryption: undefined,
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
    replicas: [
      {
        name: 'http://127.0.0.1:3000',
        origin: 'http://127.0.0.1:3000',
        authority: '127.0.0.1:3000',
        basePath: '',
        socketPath: undefined,
      },
    ],
    balance: 'round_robin',
    authorization: 'forward',
    identityHeaders: [],
    timeouts: { connectMs: 5_000, responseMs: 30_000, idleMs: 300_000 },
    pool: { connections: 128, queue: 1024 },
    retries: 1,
    healthCheck: undefined,
    ejection: { failures: 5, durationMs: 10_000 },
    tls: undefined,
    websocket: { closeAtExpiry: false, idleMs: 300_000, maxMs: 86_400_000, origins: undefined },
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
  const token = (scopes: readonly string[]) => ({ ...noConditions, scopes })
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
      { claim: 'realm_access.roles', oneOf: [{ kind: 'literal', value: 'clerk' }] },
    ],
    authorizationDetails: { type: 'payment', actions: ['read'], locations: ['https://api.example.com/orders'] },
    acr: ['urn:example:mfa', 'urn:example:otp'],
    maxAgeSeconds: 300,
    senderConstrained: true,
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
    rule: { ...noConditions, scopes: ['x', 'y'] },
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
  assert.equal(full.upstreams[0]?.options.replicas[0]?.basePath, '/v1')
  assert.equal(full.upstreams[0]?.options.authorization, 'strip')
  assert.equal(full.upstreams[1]?.options.replicas[0]?.authority, 'billing.internal')
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
    dpop_signing_alg_values_supported: ['ES256', 'EdDSA'],
    authorization_details_types_supported: ['payment'],
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

test('the full file says how opaque tokens are asked about, and with what proofs are checked', () => {
  assert.deepEqual(full.issuers[0]?.token.introspection, {
    endpoint: 'https://auth.example.com/introspect',
    clientId: 'gateway',
    auth: 'client_secret_post',
    credentialFile: resolve(fullFile, '../good-shortest.yaml'),
    response: 'jwt',
    cacheMs: 10_000,
  })
  assert.equal(full.issuers[0]?.token.maxTokenAgeSeconds, 8 * 3600)
  assert.deepEqual(full.dpop, {
    ageMs: 30_000,
    nonces: true,
    algorithms: ['ES256', 'EdDSA'],
    nonceSecret: readFileSync(resolve(fullFile, '../good-shortest.yaml')).subarray(0, -1),
  })
  assert.deepEqual(full.store, {
    kind: 'redis',
    url: 'rediss://redis.internal:6380/2',
    username: 'audgate',
    passwordFile: undefined,
    ca: undefined,
  })
})

test('`sender_constrained` of a resource holds on every route that needs a token', () => {
  const { resources } = compile(
    `${base}  http://127.0.0.1:3000: { resource: https://a.example.com, sender_constrained: true, ` +
      'routes: { GET /: a, GET /b: { scopes: b }, GET /c: public } }\n' +
      '  http://127.0.0.1:3001: { resource: https://b.example.com, sender_constrained: true }\n' +
      '  http://127.0.0.1:3002: https://c.example.com\n',
  )
  const bound = resources.all.map(({ all }) => all.map(({ rule }) => rule.kind === 'token' && rule.senderConstrained))
  assert.deepEqual(bound, [[true, true, false, false], [true], [false]])
})

test('PR-8: the metadata says that DPoP is required where every route that takes a token needs it', () => {
  const required = (entry: string): unknown => {
    const { resources } = compile(`${base}  http://127.0.0.1:3000: { resource: https://a.example.com/x, ${entry} }\n`)
    return JSON.parse(resources.all[0]?.metadata?.document ?? '{}').dpop_bound_access_tokens_required
  }
  assert.equal(required('sender_constrained: true'), true)
  assert.equal(required('routes: { GET /: { sender_constrained: true }, GET /b: public }'), true)
  assert.equal(required('routes: { GET /: { sender_constrained: true }, GET /b: authenticated }'), undefined)
  assert.equal(required('routes: { GET /: public }'), undefined)
  assert.equal(required('scopes: a'), undefined)
})

test('DP-7: the origin of a resource is that of `at` or of the indicator, and of neither for a bare path', () => {
  const origin = (entry: string): string | undefined =>
    compile(`${base}  http://127.0.0.1:3000: ${entry}\n`).resources.all[0]?.origin
  const cases: readonly (readonly [string, string | undefined])[] = [
    ['https://API.example.com:443/orders', 'https://api.example.com'],
    ['http://127.0.0.1:8080/orders', 'http://127.0.0.1:8080'],
    ['http://127.0.0.1:80/orders', 'http://127.0.0.1'],
    ['https://api.example.com./orders', 'https://api.example.com'],
    ['{ resource: https://api.example.com/orders, at: /orders }', undefined],
    ['{ resource: "urn:example:a", at: https://Front.example.com:8443/a }', 'https://front.example.com:8443'],
    ['{ resource: "urn:example:a", at: /a }', undefined],
  ]
  for (const [entry, expected] of cases) assert.equal(origin(entry), expected, entry)
})

/** A config with these files beside it, under these names. */
const besideFiles = (t: TestContext, text: (of: (name: string) => string) => string, files: Record<string, string>) => {
  const paths = new Map(Object.entries(files).map(([name, content]) => [name, temporaryFile(t, name, content)]))
  return parseConfig(
    text((name) => JSON.stringify(paths.get(name))),
    'audgate.yaml',
    { env: {} },
  )
}

test('listen.tls: certificate and key are read and belong together; nothing warns of plain http', (t) => {
  const gateway = issue('gateway.test')
  const files = {
    'tls.crt': gateway.cert,
    'tls.key': gateway.key,
    'other.key': issue('other').key,
    'ca.crt': gateway.cert,
  }
  const yaml = (key: string) => (of: (name: string) => string) =>
    `listen: { address: 0.0.0.0:8443, tls: { certificate: ${of('tls.crt')}, key: ${of(key)}, ` +
    `client_certificates: request, client_ca: ${of('ca.crt')} } }\n${base}  http://127.0.0.1:3000: https://a.example.com/x\n`
  const good = besideFiles(t, yaml('tls.key'), files)
  assert.ok(good.ok)
  const { files: read, ...rest } = good.config.listen.tls ?? assert.fail('no TLS')
  assert.deepEqual(rest, {
    certificate: gateway.cert,
    key: gateway.key,
    clientCertificates: 'request',
    clientCa: gateway.cert,
  })
  assert.deepEqual(
    Object.values(read)
      .map((path) => basename(path ?? ''))
      .toSorted(),
    ['ca.crt', 'tls.crt', 'tls.key'],
  )
  assert.deepEqual(good.config.warnings, [])
  const bad = besideFiles(t, yaml('other.key'), files)
  assert.deepEqual(bad.ok ? [] : bad.problems.map(({ message }) => message), [
    'this is not the private key of the certificate',
  ])
})

test('listen.tls: a key that OpenSSL would refuse at the start is a problem of the config', (t) => {
  const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  const short = issue('gateway.test', { keyOf: { privateKey } })
  const bad = besideFiles(
    t,
    (of) =>
      `listen: { address: 127.0.0.1:8443, tls: { certificate: ${of('tls.crt')}, key: ${of('tls.key')} } }\n` +
      `${base}  http://127.0.0.1:3000: https://a.example.com/x\n`,
    { 'tls.crt': short.cert, 'tls.key': short.key },
  )
  assert.deepEqual(bad.ok ? [] : bad.problems.map(({ message }) => message), [
    'OpenSSL refuses this certificate with its key, which may be too short',
  ])
})

test('dpop.nonce_secret_file: 32 bytes without the newline at its end', (t) => {
  const yaml = (of: (name: string) => string) =>
    `dpop: { nonces: true, nonce_secret_file: ${of('nonces')} }\n${base}  http://127.0.0.1:3000: https://a.example.com/x\n`
  const good = besideFiles(t, yaml, { nonces: `${'s'.repeat(32)}\n` })
  assert.ok(good.ok)
  assert.equal(Buffer.from(good.config.dpop.nonceSecret ?? []).toString(), 's'.repeat(32))
  assert.equal(besideFiles(t, yaml, { nonces: `${'s'.repeat(31)}\n` }).ok, false)
})

test('JO-4: a secret is as long as the hash without the newline at its end', (t) => {
  const load = (secret: string) =>
    besideFiles(
      t,
      (of) =>
        `issuers: { main: { issuer: https://auth.example.com, keys: { secret_file: ${of('secret')} }, algorithms: [HS256] } }\n` +
        'upstreams: {}\n',
      { secret },
    )
  assert.equal(load(`${'s'.repeat(32)}\r\n`).ok, true)
  assert.equal(load(`${'s'.repeat(31)}\n`).ok, false)
})

const optionsOf = (entry: string, env: Record<string, string> = {}) => {
  const options = compile(`${base}  ${entry}\n`, env).upstreams[0]?.options
  assert.ok(options)
  return options
}

test('an upstream may be a socket, and a path behind a second colon is its base path, as in nginx', () => {
  const socket = { origin: 'http://localhost', authority: 'localhost', socketPath: '/run/app.sock' }
  for (const [key, basePath] of [
    ['unix:/run/app.sock', ''],
    ['unix:/run/app.sock:/', ''],
    ['unix:/run/app.sock:/v1', '/v1'],
    ['unix:/run/app.sock:/v1/a:b/', '/v1/a:b/'],
  ] as const) {
    assert.deepEqual(optionsOf(`${key}: https://a.example.com`).replicas, [{ name: key, ...socket, basePath }])
  }
})

test('the key of an entry is its first replica, the others follow as they are written', () => {
  const { replicas } = optionsOf(
    'https://One.internal:8443/v1: { resource: https://a.example.com, replicas: ["https://${HOST}/v1/", https://two.internal] }',
    { HOST: 'three.internal:443' },
  )
  assert.deepEqual(
    replicas.map(({ name, origin, authority, basePath, socketPath }) => [
      name,
      origin,
      authority,
      basePath,
      socketPath,
    ]),
    [
      ['https://One.internal:8443/v1', 'https://one.internal:8443', 'one.internal:8443', '/v1', undefined],
      ['https://three.internal:443/v1/', 'https://three.internal:443', 'three.internal:443', '/v1/', undefined],
      ['https://two.internal', 'https://two.internal', 'two.internal', '', undefined],
    ],
  )
})

test('each resource of a list has its own replicas behind the key of all', () => {
  const { upstreams } = compile(
    `${base}  http://127.0.0.1:1:\n` +
      '    - { resource: https://a.example.com/a, replicas: [http://127.0.0.1:2] }\n' +
      '    - { resource: https://a.example.com/b, replicas: [unix:/run/b.sock] }\n' +
      '    - https://a.example.com/c\n',
  )
  assert.deepEqual(
    upstreams.map(({ options }) => options.replicas.map(({ name }) => name)),
    [['http://127.0.0.1:1', 'http://127.0.0.1:2'], ['http://127.0.0.1:1', 'unix:/run/b.sock'], ['http://127.0.0.1:1']],
  )
})

test('how replicas are chosen, asked, left out and tried again', () => {
  const options = optionsOf(
    'http://127.0.0.1:1: { resource: https://a.example.com, replicas: [http://127.0.0.1:2], balance: least_pending, ' +
      'retries: 2, pool: { queue: 0 }, ejection: { duration: 1m }, ' +
      'health_check: { path: "/up?deep", healthy: 1, timeout: 100ms }, websocket: { close_at_expiry: true, idle: 1s, ' +
      'origins: ["https://app.example.com:8443", "null"] } }',
  )
  assert.deepEqual(
    [options.balance, options.retries, options.pool],
    ['least_pending', 2, { connections: 128, queue: 0 }],
  )
  assert.deepEqual(options.ejection, { failures: 5, durationMs: 60_000 })
  assert.deepEqual(options.healthCheck, {
    path: '/up?deep',
    intervalMs: 5_000,
    timeoutMs: 100,
    healthy: 1,
    unhealthy: 3,
  })
  assert.deepEqual(options.websocket, {
    closeAtExpiry: true,
    idleMs: 1_000,
    maxMs: 86_400_000,
    origins: ['https://app.example.com:8443', 'null'],
  })
})

test('`false` turns ejection and WebSocket off, and a short `max` of a tunnel is no mistake', () => {
  const off = optionsOf('http://127.0.0.1:1: { resource: https://a.example.com, ejection: false, websocket: false }')
  assert.deepEqual([off.ejection, off.websocket], [undefined, undefined])
  const short = optionsOf('http://127.0.0.1:1: { resource: https://a.example.com, websocket: { max: 1m } }')
  assert.deepEqual([short.websocket?.idleMs, short.websocket?.maxMs], [300_000, 60_000])
})

test('tls of an upstream: the certificate authorities, our own certificate and the name come from the entry', (t) => {
  const gateway = issue('gateway.test')
  const loaded = besideFiles(
    t,
    (of) =>
      `${base}  https://api.internal: { resource: https://a.example.com, tls: { ca_file: ${of('ca.pem')}, ` +
      `certificate: ${of('own.crt')}, key: ${of('own.key')}, server_name: api.test } }\n`,
    { 'ca.pem': gateway.cert, 'own.crt': gateway.cert, 'own.key': gateway.key },
  )
  const tls = loaded.ok ? loaded.config.upstreams[0]?.options.tls : undefined
  assert.deepEqual(
    [tls?.ca, tls?.certificate, tls?.key, tls?.serverName],
    [gateway.cert, gateway.cert, gateway.key, 'api.test'],
  )
})

test('the listener compiles its limits, the trace context what is done with that of strangers', () => {
  const { listen, refusals, traceContext } = compile(
    'listen: { trusted_proxies: [10.0.0.1], refuse_early_data: true, timeouts: { request: 1m, connection: 1h }, ' +
      'limits: { connections: 3, connections_per_client: 2, requests_per_connection: 1 } }\n' +
      `refusals: { proxy_status: eu-1 }\ntrace_context: restart\n${base}  http://127.0.0.1:1: https://a.example.com\n`,
  )
  assert.deepEqual(
    [listen.refuseEarlyData, listen.timeouts.requestMs, listen.timeouts.connectionMs],
    [true, 60_000, 3_600_000],
  )
  const { connections, connectionsPerClient, requestsPerConnection } = listen.limits
  assert.deepEqual([connections, connectionsPerClient, requestsPerConnection], [3, 2, 1])
  assert.deepEqual([refusals.proxyStatus, traceContext], ['eu-1', 'restart'])
})
