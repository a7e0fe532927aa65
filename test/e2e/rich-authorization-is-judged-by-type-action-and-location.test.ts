import assert from 'node:assert/strict'
import { test } from 'node:test'
import { jsonOf } from '../support/json.ts'
import { loggedRequests } from '../support/logged.ts'
import { ORDERS, startOrders } from '../support/orders.ts'

const entry = {
  routes: {
    'POST /payments': { scopes: 'orders:read', authorization_details: { type: 'payment', actions: ['initiate'] } },
    'GET /ledger': { authorization_details: { type: 'account', actions: ['read'], locations: ['urn:ledger'] } },
    'GET /admin': { claims: { 'realm_access.roles': 'admin' } },
    'GET /open': 'authenticated',
  },
  identity_headers: { 'X-Auth-Details': 'authorization_details', 'X-Auth-Roles': 'realm_access.roles' },
}
const billing = 'https://api.test/billing'
const payment = { type: 'payment', actions: ['initiate', 'status'] }

const cases: readonly (readonly [string, unknown, number, string | undefined])[] = [
  ['RA-2: the right element', [payment], 200, undefined],
  ['RA-2: the right element beside an unknown one', [{ type: 'urn:unknown', x: 1 }, payment], 200, undefined],
  ['RA-2: an element for this resource', [{ ...payment, locations: [billing, ORDERS] }], 200, undefined],
  ['RA-2: an element for another resource', [{ ...payment, locations: [billing] }], 403, 'scope_insufficient'],
  ['RA-2: the location with a slash more', [{ ...payment, locations: [`${ORDERS}/`] }], 403, 'scope_insufficient'],
  ['RA-2: another action', [{ type: 'payment', actions: ['status'] }], 403, 'scope_insufficient'],
  ['RA-2: no actions', [{ type: 'payment' }], 403, 'scope_insufficient'],
  ['RA-2: another type', [{ ...payment, type: 'payments' }], 403, 'scope_insufficient'],
  [
    'RA-2: type and action in two elements',
    [{ type: 'payment' }, { ...payment, type: 'x' }],
    403,
    'scope_insufficient',
  ],
  ['RA-2: no element', [], 403, 'scope_insufficient'],
  ['RA-2: no claim', undefined, 403, 'scope_insufficient'],
  ['RA-1: a text', JSON.stringify([payment]), 401, 'token_malformed'],
  ['RA-1: an object', payment, 401, 'token_malformed'],
  ['RA-1: a list of texts', ['payment'], 401, 'token_malformed'],
  ['RA-1: null', null, 401, 'token_malformed'],
]

test('RA-1, RA-2: one element must have type, action and place, and nothing else reaches the upstream', async (t) => {
  const stage = await startOrders(t, entry)
  for (const [what, authorization_details, status, reason] of cases) {
    const before = stage.upstream.seen.length
    const answer = await fetch(`${stage.url}/orders/payments`, {
      method: 'POST',
      headers: { authorization: `Bearer ${stage.token({ authorization_details })}` },
    })
    const body = await jsonOf(answer)
    assert.equal(answer.status, status, what)
    assert.equal(body.reason, reason, what)
    assert.equal(stage.upstream.seen.length - before, status === 200 ? 1 : 0, what)
  }
})

test('RA-3: a missing element is 403 insufficient_scope, as there is no code of its own; the log says which', async (t) => {
  const stage = await startOrders(t, entry)
  const ask = (path: string, method: string) =>
    fetch(`${stage.url}/orders${path}`, { method, headers: { authorization: `Bearer ${stage.token()}` } })
  const answer = await ask('/payments', 'POST')
  assert.equal(
    answer.headers.get('www-authenticate'),
    'Bearer error="insufficient_scope", error_description="The access token lacks a scope that this request needs.", scope="orders:read", resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"',
  )
  await ask('/ledger', 'GET')
  const details = (await loggedRequests(stage, 2)).map(({ reason, detail }) => `${reason} ${detail}`)
  assert.match(
    details[0] ?? '',
    /^scope_insufficient authorization_details: expected an element with type payment, actions initiate, got none \(no scope/,
  )
  assert.match(details[1] ?? '', /type account, actions read, a location of urn:ledger, got none/)
})

test('RA-2: a route may name the location in words of its own', async (t) => {
  const stage = await startOrders(t, entry)
  const statusOf = async (locations?: readonly string[]): Promise<number> => {
    const authorization_details = [{ type: 'account', actions: ['read'], locations }]
    const headers = { authorization: `Bearer ${stage.token({ authorization_details })}` }
    return (await fetch(`${stage.url}/orders/ledger`, { headers })).status
  }
  assert.equal(await statusOf(['urn:ledger']), 200)
  assert.equal(await statusOf([ORDERS]), 403)
  assert.equal(await statusOf(), 403)
})

test('RA-4, FW-8: the upstream gets the elements that are for it as ASCII JSON, and never those of the client', async (t) => {
  const stage = await startOrders(t, entry)
  const seenOf = async (claims: Record<string, unknown>): Promise<unknown> => {
    const answer = await fetch(`${stage.url}/orders/open`, {
      headers: {
        authorization: `Bearer ${stage.token(claims)}`,
        'X-Auth-Details': '[{"type":"forged"}]',
        'x-auth-details': '[{"type":"forged"}]',
      },
    })
    assert.equal(answer.status, 200)
    const { headers } = await jsonOf(answer)
    return (headers as Record<string, unknown>)['x-auth-details']
  }
  const own = { type: 'payment', creditor: 'Müller 🎈', amount: { value: '9.99' } }
  const text = await seenOf({ authorization_details: [own, { type: 'x', locations: [billing] }] })
  assert.ok(typeof text === 'string')
  assert.match(text, /^[\x20-\x7e]+$/)
  assert.deepEqual(JSON.parse(text), [own])
  assert.equal(await seenOf({ authorization_details: [{ type: 'x', locations: [billing] }] }), undefined)
  assert.equal(await seenOf({}), undefined)
})

test('AT-18: a nested claim gates a route and is forwarded, as a whole value', async (t) => {
  const stage = await startOrders(t, entry)
  const ask = (claims: Record<string, unknown>) =>
    fetch(`${stage.url}/orders/admin`, { headers: { authorization: `Bearer ${stage.token(claims)}` } })
  const good = await ask({ realm_access: { roles: ['clerk', 'admin'] } })
  assert.equal(good.status, 200)
  const { headers } = await jsonOf(good)
  assert.equal((headers as Record<string, unknown>)['x-auth-roles'], 'clerk,admin')
  const refused = [
    { realm_access: { roles: ['administrator'] } },
    { realm_access: { roles: ['Admin'] } },
    { realm_access: ['admin'] },
    { roles: ['admin'] },
    { 'realm_access.roles': 'user' },
    {},
  ]
  for (const claims of refused) {
    const answer = await ask(claims)
    assert.equal(answer.status, 403, JSON.stringify(claims))
    assert.equal(answer.headers.get('www-authenticate'), null)
    assert.equal((await jsonOf(answer)).reason, 'claim_mismatch')
  }
})
