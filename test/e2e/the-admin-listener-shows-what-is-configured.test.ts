import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { test } from 'node:test'
import { temporaryFile } from '../support/audgate-process.ts'
import { createDecryptionJwk } from '../support/encryption-keys.ts'
import { eventually } from '../support/eventually.ts'
import { startGateway } from '../support/gateway.ts'
import { loggedRequests } from '../support/logged.ts'
import { liveKey, startOrders } from '../support/orders.ts'

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
  assert.deepEqual([issuer.name, issuer.state, issuer.keys, issuer.decryption], ['main', 'fresh', 1, undefined])
  const config = await ask('/config')
  assert.equal(config.upstreams[0].replicas[0].origin, stage.upstream.url)
  assert.equal(config.issuers[0].issuer, 'https://as.test/oidc')
})

test('AT-15: /issuers says how many decryption keys there are, and what is wrong with their file', async (t) => {
  const file = temporaryFile(t, 'private.json', JSON.stringify({ keys: [createDecryptionJwk('P-256')] }))
  const key = JSON.stringify(liveKey.jwk)
  const gateway = await startGateway(
    t,
    `issuers: { main: { issuer: https://as.test, keys: { jwks: { keys: [${key}] } }, decryption: { jwks_file: ${file} } } }\nupstreams: {}\n`,
  )
  const ask = async () => {
    const [issuer] = JSON.parse(await (await fetch(`http://127.0.0.1:${gateway.adminPort}/issuers`)).text())
    return issuer.decryption
  }
  await eventually('the key is there', async () => (await ask()).keys === 1)
  assert.deepEqual(await ask(), { keys: 1 })
  writeFileSync(file, 'broken canary')
  await gateway.gateway.refreshKeys()
  const { keys, lastError } = await ask()
  assert.equal(keys, 1)
  assert.match(lastError, /private\.json/)
  assert.doesNotMatch(lastError, /canary/)
})

test('BR-26: the query of a key URL, which may hold an API key, is in no admin answer and no log line', async (t) => {
  const url = 'http://127.0.0.1:1/keys?api_key=canary'
  const gateway = await startGateway(
    t,
    `issuers: { main: { issuer: https://as.test, keys: { jwks_uri: "${url}" } } }\nupstreams: {}\n`,
  )
  await eventually('the fetch has failed', async () => (await gateway.logText()).includes('keys not fetched'))
  for (const path of ['/issuers', '/config', '/readyz?verbose']) {
    const text = await (await fetch(`http://127.0.0.1:${gateway.adminPort}${path}`)).text()
    assert.ok(!text.includes('canary'), path)
  }
  assert.ok(!(await gateway.logText()).includes('canary'))
})

test('contract section 8: served metadata is logged as allowed, under its resource', async (t) => {
  const stage = await startOrders(t)
  await fetch(`${stage.url}/.well-known/oauth-protected-resource/orders`)
  const [line] = await loggedRequests(stage, 1)
  assert.deepEqual([line?.status, line?.decision, line?.resource], [200, 'allow', 'orders'])
})
