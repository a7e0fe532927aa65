import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { tls } from '../keys/tls.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'

test('FW-11: a certificate that nobody vouches for is 502, and the request with its token is not sent', async (t) => {
  let requests = 0
  const server = createServer(tls, (_request, response) => {
    requests++
    response.end('ok')
  }).listen(0, '127.0.0.1')
  t.after(() => server.close())
  await new Promise((resolve) => server.once('listening', resolve))
  const { port } = server.address() as AddressInfo
  const map = { [`https://127.0.0.1:${port}`]: { resource: ORDERS, at: '/orders' } }
  const stage = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
  for (let i = 0; i < 2; i++) {
    const { status, text } = await sendRaw(
      stage.port,
      requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${liveToken()}`]),
      { until: wholeAnswer, quietMs: 5000 },
    )
    assert.equal(status, 502)
    assert.match(text, /"reason":"upstream_unreachable"/)
  }
  assert.equal(requests, 0)
})
