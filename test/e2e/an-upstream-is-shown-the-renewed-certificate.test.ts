import assert from 'node:assert/strict'
import type { IncomingMessage, ServerResponse } from 'node:http'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { TLSSocket } from 'node:tls'
import { certificateFiles } from '../support/certificate-files.ts'
import { eventually } from '../support/eventually.ts'
import { followFiles } from '../support/follow-files.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { type Identity, issue } from '../support/tls.ts'

const ca = issue('upstream ca', { ca: true })
const end = (seconds: number): Date => new Date(seconds * 1000)
const old = issue('old gateway', { by: ca, notAfter: end(2_000_000_001) })
const next = issue('new gateway', { by: ca, notAfter: end(2_000_000_002) })

/** An upstream that lets nobody in without a certificate of the CA, and answers with whose it was. */
const startMutual = async (
  t: TestContext,
  own: Identity,
  answer: (response: ServerResponse, name: string, request: IncomingMessage) => void = (response, name) =>
    response.end(name),
) => {
  const server = createServer({ cert: own.cert, key: own.key, ca: ca.cert, requestCert: true }, (request, response) => {
    const { socket } = request
    const name = socket instanceof TLSSocket ? String(socket.getPeerX509Certificate()?.subject) : ''
    answer(response, name.replace('CN=', ''), request)
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return `https://127.0.0.1:${(server.address() as AddressInfo).port}`
}

const startBefore = async (t: TestContext, url: string, tls: Readonly<Record<string, string>>) => {
  const map = { [url]: { resource: ORDERS, at: '/orders', name: 'orders', tls } }
  const stage = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}\n`)
  followFiles(t, stage)
  const ask = (path = '1'): Promise<Response> =>
    fetch(`${stage.url}/orders/${path}`, { headers: { Authorization: `Bearer ${liveToken()}` } })
  return { ...stage, ask, text: async () => (await ask()).text() }
}

test('FW-11: a renewed client certificate is shown on the next connection, and an answer under way is finished', async (t) => {
  const files = certificateFiles(t)
  files.write('ca.crt', ca.cert)
  let slow: ServerResponse | undefined
  const url = await startMutual(t, issue('upstream', { by: ca }), (response, name, { url }) => {
    if (url?.endsWith('slow')) {
      response.write(name)
      slow = response
    } else response.end(name)
  })
  const tls = { ca_file: files.path('ca.crt'), ...files.identity('own', old) }
  const stage = await startBefore(t, url, tls)
  const metric = /^audgate_tls_certificate_not_after_timestamp_seconds\{name="upstream:orders"\} (\d+)$/m
  assert.equal(await stage.text(), 'old gateway')
  assert.equal(metric.exec(await stage.metrics())?.[1], '2000000001')
  const underWay = await stage.ask('slow')

  files.write('own.crt', next.cert)
  await eventually('a pair that does not fit is told', async () =>
    (await stage.log()).some(({ msg }) => msg === 'this is not the private key of the certificate'),
  )
  assert.equal(await stage.text(), 'old gateway')
  files.write('own.key', next.key)
  await eventually('the new certificate', async () => (await stage.text()) === 'new gateway')

  slow?.end(' to the end')
  assert.equal(await underWay.text(), 'old gateway to the end')
  assert.equal(metric.exec(await stage.metrics())?.[1], '2000000002')
  const outputs = [await stage.logText(), await (await fetch(`http://127.0.0.1:${stage.adminPort}/config`)).text()]
  for (const line of (old.key + next.key).split('\n').filter((one) => /^[A-Za-z0-9+/=]{20,}$/.test(one))) {
    for (const output of outputs) assert.ok(!output.includes(line))
  }
})

test('FW-11: an upstream whose CA is not believed any more gets no request', async (t) => {
  const files = certificateFiles(t)
  files.write('ca.crt', ca.cert)
  let requests = 0
  const url = await startMutual(t, issue('upstream', { by: ca }), (response) => {
    requests++
    response.end('ok')
  })
  const stage = await startBefore(t, url, { ca_file: files.path('ca.crt'), ...files.identity('own', old) })
  assert.equal(await stage.text(), 'ok')
  files.write('ca.crt', issue('other ca', { ca: true }).cert)
  await eventually('it is refused', async () => (await stage.ask()).status === 502)
  const before = requests
  assert.equal((await stage.ask()).status, 502)
  assert.equal(requests, before)
})
