import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startOrders } from '../support/orders.ts'

test('contract section 6: /routes, /issuers and /config say what is served, whose tokens count and what is configured', async (t) => {
  const stage = await startOrders(t, { routes: { 'GET /': 'orders:read', 'GET /health': 'public' } })
  const ask = async (path: string) =>
    JSON.parse(await (await fetch(`http://127.0.0.1:${stage.adminPort}${path}`)).text())
  const { resources } = await ask('/routes')
  assert.deepEqual(resources[0].routes, [
    { route: 'GET /', needs: 'scope orders:read' },
    { route: 'GET /health', needs: 'public' },
    { route: '_otherwise', needs: 'deny' },
  ])
  assert.equal(resources[0].upstream, stage.upstream.url)
  const [issuer] = await ask('/issuers')
  assert.deepEqual([issuer.name, issuer.state, issuer.keys], ['main', 'fresh', 1])
  const config = await ask('/config')
  assert.equal(config.upstreams[0].origin, stage.upstream.url)
  assert.equal(config.issuers[0].issuer, 'https://as.test/oidc')
})
