import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer, type ServerResponse } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { loggedRequests } from '../support/logged.ts'
import { liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startUpstream } from '../support/upstream.ts'

test('TC-9: a request whose client leaves while its token is looked at is not logged or counted as allowed', async (t) => {
  const asked: ServerResponse[] = []
  const keys = createServer((_request, response) => asked.push(response))
  await new Promise<void>((resolve) => keys.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    keys.closeAllConnections()
    keys.close()
  })
  const { port } = keys.address() as AddressInfo
  const upstream = await startUpstream(t)
  const gateway = await startGateway(
    t,
    `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: "http://127.0.0.1:${port}/" } } }
upstreams: { ${JSON.stringify(upstream.url)}: { resource: ${ORDERS}, at: /orders } }
`,
  )
  const client = connect(gateway.port, '127.0.0.1')
  client.write(requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${liveToken()}`]))
  while (!(await gateway.metrics()).includes('audgate_open_requests 1')) await new Promise(setImmediate)
  client.destroy()
  await once(client, 'close')
  // A whole exchange with the same process later, it has seen the client go.
  await gateway.metrics()
  // The keys come when nobody waits any more.
  while (asked.length === 0) await new Promise(setImmediate)
  for (const response of asked) response.setHeader('Content-Type', 'application/json').end('{"keys":[]}')
  const [line] = await loggedRequests(gateway, 1)
  assert.equal(line?.decision, 'deny')
  assert.equal(line?.status, 0)
  assert.match(String(line?.detail), /client/)
  assert.doesNotMatch(await gateway.metrics(), /decision="allow"/)
  assert.equal(upstream.connections(), 0)
})
