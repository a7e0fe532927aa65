import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import { test } from 'node:test'
import { tls } from '../keys/tls.ts'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'

test('AS-5, ER-1: an upstream or issuer with an unknown certificate is refused, whatever NODE_TLS_REJECT_UNAUTHORIZED says', async (t) => {
  let asked = 0
  const server = createServer(tls, (_request, response) => {
    asked++
    response.end('{}')
  })
  server.listen(0, '127.0.0.1')
  await once(server, 'listening')
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const yaml = `listen: 127.0.0.1:0
admin: false
${issuerYaml().replace(/ }\n$/, `, far: "https://127.0.0.1:${port}" }\n`)}upstreams:
  https://127.0.0.1:${port}: { resource: ${ORDERS}, at: /orders, issuers: [main] }
`
  const audgate = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', yaml)], {
    NODE_TLS_REJECT_UNAUTHORIZED: '0',
  })
  const [, own] = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  await audgate.said(/"issuer":"far","result":"tls"/)
  const answer = await fetch(`http://127.0.0.1:${own}/orders/1`, {
    headers: { authorization: `Bearer ${liveToken()}` },
  })
  assert.equal(answer.status, 502, await answer.text())
  assert.equal(asked, 0)
})
