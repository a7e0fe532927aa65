import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { run as routes } from '../../src/commands/routes.ts'
import { run as schema } from '../../src/commands/schema.ts'

const golden = (name: string): string => resolve(import.meta.dirname, '../golden/config', name)

const call = async (run: typeof routes, args: string[], env: Readonly<Record<string, string>> = {}) => {
  const out = { stdout: '', stderr: '', status: 0 }
  const stdout = (text: string) => {
    out.stdout += text
  }
  const stderr = (text: string) => {
    out.stderr += text
  }
  out.status = await run(args, { stdout, stderr, env })
  return out
}

test('routes: a table says where each resource is served and what each route needs', async () => {
  const { stdout, status } = await call(routes, ['--config', golden('good-full.yaml')])
  assert.equal(status, 0)
  assert.ok(
    stdout.startsWith(
      [
        'orders',
        '  resource       https://api.example.com/orders',
        '  also accepts   https://api.example.com/orders/',
        '  at             api.example.com/orders',
        '  upstream       http://127.0.0.1:3000/v1',
        '  authorization  strip',
        '  issuers        main, partner',
        '    GET /                       scope orders:use orders:read',
        '    GET /{id}                   scope orders:use orders:read',
        '    POST,PUT /{id}              scope orders:use orders:write orders:audit',
        '    GET /health                 public',
        '    DELETE /{id}                deny',
        '    /me                         scope orders:use',
        '    GET /accounts/{account}/**  scope orders:use accounts:read, one of accounts:all admin, authorization_details of type payment with actions read and a location of https://api.example.com/orders, account_id = {account}, plan = "gold" | "platinum", level = 3, active = true, realm_access.roles = "clerk", acr urn:example:mfa or urn:example:otp, authenticated at most 300 s ago, bound to its sender',
        '    _otherwise                  scope orders:use',
        '',
      ].join('\n'),
    ),
    stdout,
  )
})

test('routes --format json has the same, one object a resource', async () => {
  const { stdout } = await call(routes, ['--config', golden('good-anywhere.yaml'), '--format', 'json'])
  assert.deepEqual(JSON.parse(stdout), {
    resources: [
      {
        name: 'api.example.com-orders',
        resource: 'https://api.example.com/orders',
        at: '(any host)/orders',
        upstream: 'http://127.0.0.1:3000',
        authorization: 'forward',
        issuers: ['main'],
        accept_audiences: [],
        routes: [{ route: '_default', needs: 'any valid token' }],
      },
    ],
  })
})

test('routes: every place where an API runs is listed', async () => {
  const asked = ['--config', golden('good-replicas.yaml')]
  const env = { ORDERS: 'http://127.0.0.1:3000', PROFILE: 'orders' }
  const [first] = JSON.parse((await call(routes, [...asked, '--format', 'json'], env)).stdout).resources
  assert.equal(first.replicas.length, 4)
  const { stdout } = await call(routes, asked, env)
  assert.ok(stdout.includes(`  upstream       ${[first.upstream, ...first.replicas].join(' ')}\n`), stdout)
})

test('routes: an empty config serves nothing, and says so', async () => {
  const { stdout, status } = await call(routes, ['--config', golden('good-empty.yaml')])
  assert.deepEqual([stdout, status], ['nothing is served\n', 0])
})

test('routes: a config with problems is status 1, wrong usage status 2', async () => {
  assert.equal((await call(routes, ['--config', golden('yaml-list.yaml')])).status, 1)
  assert.equal((await call(routes, ['--format', 'xml'])).status, 2)
  assert.equal((await call(routes, ['extra'])).status, 2)
})

test('schema prints JSON Schema 2020-12, and takes no arguments', async () => {
  const { stdout, status } = await call(schema, [])
  assert.equal(status, 0)
  assert.equal(JSON.parse(stdout).$schema, 'https://json-schema.org/draft/2020-12/schema')
  assert.equal((await call(schema, ['--x'])).status, 2)
})
