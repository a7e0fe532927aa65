import assert from 'node:assert/strict'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { tls } from '../keys/tls.ts'
import { certificateFiles } from '../support/certificate-files.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { issue } from '../support/tls.ts'

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

test('FW-11: `ca_file`, `server_name` and a certificate of our own; a wrong name is 502, and nothing is sent', async (t) => {
  const ca = issue('upstream ca', { ca: true })
  const own = issue('upstream', { by: ca })
  const files = certificateFiles(t)
  files.write('ca.crt', ca.cert)
  const ca_file = files.path('ca.crt')
  const identity = files.identity('gateway', issue('gateway', { by: ca }))
  const seen: string[] = []
  const server = createServer(
    { cert: own.cert, key: own.key, ca: ca.cert, requestCert: true, rejectUnauthorized: false },
    (request, response) => {
      const { socket } = request
      assert.ok(socket instanceof TLSSocket)
      seen.push(`${Reflect.get(socket, 'servername') || '-'} ${socket.getPeerX509Certificate()?.subject ?? '-'}`)
      response.end('ok')
    },
  )
  await new Promise<void>((resolve) => server.listen(0, '0.0.0.0', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  const { port } = server.address() as AddressInfo
  // Its certificate has the names 127.0.0.1 and localhost.
  for (const [host, tls, expected] of [
    ['127.0.0.1', { ca_file }, '- -'],
    ['127.0.0.1', { ca_file, ...identity }, '- CN=gateway'],
    ['127.0.0.2', { ca_file, server_name: 'localhost' }, 'localhost -'],
    ['127.0.0.2', { ca_file }, undefined],
    ['127.0.0.1', { ca_file, server_name: 'api.internal' }, undefined],
  ] as const) {
    const map = { [`https://${host}:${port}`]: { resource: ORDERS, at: '/orders', tls } }
    const stage = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
    const { status, text } = await sendRaw(
      stage.port,
      requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${liveToken()}`]),
      { until: wholeAnswer, quietMs: 5000 },
    )
    assert.equal(status, expected === undefined ? 502 : 200, `${host} ${JSON.stringify(tls)}`)
    if (expected === undefined) assert.match(text, /"reason":"upstream_unreachable"/)
    assert.deepEqual(seen.splice(0), expected === undefined ? [] : [expected])
  }
})
