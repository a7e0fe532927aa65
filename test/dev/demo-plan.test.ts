import assert from 'node:assert/strict'
import { test } from 'node:test'
import { planDemo } from '../../src/dev/demo-plan.ts'
import type { DevOptions } from '../../src/dev/options.ts'
import { devResource } from '../support/dev-resources.ts'

const ORDERS = 'https://api.example.com/orders'
const BILLING = 'https://api.example.com/billing'
const GATEWAY = 'http://127.0.0.1:8080'

const dev = (permissions: Record<string, readonly string[]>, secret: string | undefined = 'dev'): DevOptions => ({
  issuer: 'main',
  accessTokenTtlSeconds: 60,
  defaultResource: undefined,
  roles: new Map([['clerk', new Map(Object.entries(permissions))]]),
  users: new Map(),
  clients: new Map([
    ['web', { secret: undefined, roles: ['clerk'], redirectUris: [] }],
    ['cli', { secret, roles: ['clerk'], redirectUris: [] }],
  ]),
  encrypt: [],
  apis: [],
})

const CLERK = dev({ [ORDERS]: ['orders:read', 'orders:write'], [BILLING]: ['billing:read'] })
const issued = [ORDERS, BILLING]

const orders = devResource(
  ORDERS,
  {
    'GET /health': 'public',
    'GET /{id}': { scopes: ['orders:read'] },
    'POST,PUT /{id}/lines/**': { scopes: ['orders:read', 'orders:write'] },
  },
  { path: '/orders' },
)

test('six lines: allowed read and write, no token, other API, missing scope, expired', () => {
  const plan = planDemo([orders], { dev: CLERK, issued, gateway: GATEWAY })

  const read = { method: 'GET', url: `${GATEWAY}/orders/42`, host: undefined }
  const write = { method: 'POST', url: `${GATEWAY}/orders/42/lines`, host: undefined }
  const full = { indicator: ORDERS, scope: undefined, expired: false }
  assert.deepEqual(plan, {
    client: { id: 'cli', secret: 'dev' },
    lines: [
      { title: 'allowed read', ...read, token: full, answer: '200' },
      { title: 'allowed write', ...write, token: full, answer: '201' },
      { title: 'no token', ...read, token: undefined, answer: '401 token_missing' },
      {
        title: 'token for the other API',
        ...read,
        token: { ...full, indicator: BILLING },
        answer: '401 audience_mismatch',
      },
      { title: 'missing scope', ...write, token: { ...full, scope: 'openid' }, answer: '403 scope_insufficient' },
      { title: 'expired token', ...read, token: { ...full, expired: true }, answer: '401 token_expired' },
    ],
  })
})

test('the token with a missing scope still has every scope that the route does not need', () => {
  const resource = devResource(ORDERS, {
    'GET /': { scopes: ['orders:read'] },
    'PUT /': { anyScope: ['orders:write', 'admin'] },
  })
  const lines = planDemo([resource], { dev: CLERK, issued, gateway: GATEWAY })?.lines ?? []

  assert.deepEqual(lines.find(({ title }) => title === 'missing scope')?.token?.scope, 'orders:read')
  assert.deepEqual(lines.find(({ title }) => title === 'allowed write')?.answer, '200')
})

test('a resource at a host of its own is asked for by that name', () => {
  const resource = devResource(ORDERS, { _default: {} }, { host: 'api.example.com', path: '/orders/' })
  const [read] = planDemo([resource], { dev: CLERK, issued, gateway: GATEWAY })?.lines ?? []

  assert.deepEqual({ url: read?.url, host: read?.host }, { url: `${GATEWAY}/orders/`, host: 'api.example.com' })
})

test('routes that nobody can satisfy with scopes alone are left out, and so is what cannot be shown', () => {
  const resource = devResource(ORDERS, {
    'GET /gold': { claims: [{ claim: 'plan', oneOf: [{ kind: 'literal', value: 'gold' }] }] },
    'GET /strong': { acr: ['urn:example:mfa'] },
    'GET /fresh': { maxAgeSeconds: 300 },
    'GET /bound': { senderConstrained: true },
    'GET /payment': { authorizationDetails: { type: 'payment', actions: [], locations: [] } },
    'GET /secret': { scopes: ['orders:admin'] },
    'GET /open': {},
  })
  const lines = planDemo([resource], { dev: CLERK, issued: [ORDERS], gateway: GATEWAY })?.lines ?? []

  assert.deepEqual(
    lines.map(({ title, url }) => [title, url]),
    [
      ['allowed read', `${GATEWAY}/open`],
      ['no token', `${GATEWAY}/open`],
      ['expired token', `${GATEWAY}/open`],
    ],
  )
})

test('a resource whose tokens are encrypted is shown without the expired one, which nobody here could make', () => {
  const plan = planDemo([orders], { dev: { ...CLERK, encrypt: [ORDERS] }, issued, gateway: GATEWAY })

  assert.deepEqual(
    plan?.lines.map(({ title }) => title),
    ['allowed read', 'allowed write', 'no token', 'token for the other API', 'missing scope'],
  )
})

test('of several resources the one that shows most is taken', () => {
  const billing = devResource(BILLING, { 'GET /': { scopes: ['billing:read'] } }, { path: '/billing' })
  const plan = planDemo([billing, orders], { dev: CLERK, issued, gateway: GATEWAY })

  assert.equal(plan?.lines.length, 6)
  assert.equal(plan?.lines[0]?.url, `${GATEWAY}/orders/42`)
})

test('no client with a secret and roles, or nothing that its roles permit: no plan', () => {
  const secretless: DevOptions = {
    ...CLERK,
    clients: new Map([['web', { secret: undefined, roles: ['clerk'], redirectUris: [] }]]),
  }
  assert.equal(planDemo([orders], { dev: secretless, issued, gateway: GATEWAY }), undefined)
  assert.equal(planDemo([orders], { dev: dev({}), issued, gateway: GATEWAY }), undefined)
})

test('a client that may not use client credentials is not chosen', () => {
  const idle = { secret: 'x', roles: [], redirectUris: [] }
  const open = devResource(ORDERS, { _default: {} })
  const options = { issued, gateway: GATEWAY }

  assert.equal(planDemo([open], { ...options, dev: { ...CLERK, clients: new Map([['idle', idle]]) } }), undefined)
})
