import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken } from '../support/orders.ts'
import { startSpy } from '../support/spy.ts'

const audiences = {
  orders: 'https://api.test/orders',
  billing: 'https://api.test/billing',
  parent: 'https://api.test',
}

/** What each token may do, by hand: the table is the specification. */
const tokens: Record<string, { claims: Record<string, unknown>; may: readonly string[] }> = {
  'orders read': { claims: { aud: audiences.orders, scope: 'read' }, may: ['orders read'] },
  'orders write': { claims: { aud: audiences.orders, scope: 'write' }, may: ['orders write'] },
  'orders both': { claims: { aud: audiences.orders, scope: 'read write' }, may: ['orders read', 'orders write'] },
  'billing read': { claims: { aud: audiences.billing, scope: 'read' }, may: ['billing read'] },
  'billing all': { claims: { aud: audiences.billing, scope: 'read write' }, may: ['billing read', 'billing write'] },
  'two audiences': {
    claims: { aud: [audiences.billing, audiences.orders], scope: 'read' },
    may: ['orders read', 'billing read'],
  },
  'parent audience': { claims: { aud: audiences.parent, scope: 'read write' }, may: [] },
  'slash at the end': { claims: { aud: `${audiences.orders}/`, scope: 'read write' }, may: [] },
  'joined audiences': { claims: { aud: `${audiences.orders} ${audiences.billing}`, scope: 'read write' }, may: [] },
}

const routes: Record<string, { path: string; method: string; indicator: string }> = {
  'orders read': { path: '/orders/1', method: 'GET', indicator: audiences.orders },
  'orders write': { path: '/orders/1', method: 'POST', indicator: audiences.orders },
  'billing read': { path: '/billing/1', method: 'GET', indicator: audiences.billing },
  'billing write': { path: '/billing/1', method: 'POST', indicator: audiences.billing },
}

test('RI-8, RI-12, RI-14, 2.1 row 22: a token’s verdict at one route says nothing about another, whatever came first', async (t) => {
  const spy = await startSpy(t)
  const rules = { 'GET /{id}': 'read', 'POST /{id}': 'write' }
  const map = {
    [`${spy.url}/o`]: { resource: audiences.orders, at: '/orders', routes: rules },
    [`${spy.url}/b`]: { resource: audiences.billing, at: '/billing', routes: rules },
  }
  const { url } = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
  const minted = new Map(Object.entries(tokens).map(([name, { claims }]) => [name, liveToken(claims)]))
  const ask = async (token: string, route: string): Promise<void> => {
    const { path, method, indicator } = routes[route] ?? assert.fail()
    const { may, claims } = tokens[token] ?? assert.fail()
    const before = spy.requests.length
    const answer = await fetch(url + path, { method, headers: { authorization: `Bearer ${minted.get(token)}` } })
    const body = await answer.text()
    const granted = may.includes(route)
    const here = [claims.aud].flat().includes(indicator)
    const expected = granted ? [200, undefined] : here ? [403, 'scope_insufficient'] : [401, 'audience_mismatch']
    const reason = answer.status === 200 ? undefined : JSON.parse(body).reason
    assert.deepEqual([answer.status, reason], expected, `${token} at ${route}`)
    assert.equal(spy.requests.length - before, granted ? 1 : 0, `${token} at ${route}`)
  }
  const pairs = Object.keys(tokens).flatMap((token) => Object.keys(routes).map((route) => [token, route] as const))
  for (const order of [pairs, pairs.toReversed()]) {
    for (const [token, route] of order) {
      await ask(token, route)
      await ask(token, route)
    }
  }
})
