import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { loggedRequests } from '../support/logged.ts'
import { issuerYaml, ORDERS, startOrders } from '../support/orders.ts'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { createKey, mint } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const post = (token: string, content: string) =>
  requestBytes(
    ['POST /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${token}`, 'Transfer-Encoding: chunked'],
    content,
  )

test('H1-16, contract section 8: a broken chunk is one 400 and one line, and the upstream request does not complete', async (t) => {
  const stage = await startOrders(t)
  const answer = await sendRaw(stage.port, post(stage.token(), '5\r\nhello\r\n0x5\r\nhello\r\n0\r\n\r\n'))
  assert.equal(answer.status, 400)
  assert.equal(answer.closed, true)
  assert.equal(answer.text.match(/HTTP\/1\.1 /g)?.length, 1)
  assert.match(answer.text, /"reason":"request_malformed"/)
  const lines = await loggedRequests(stage, 1)
  assert.deepEqual(
    lines.map(({ method, path, status, reason, resource }) => [method, path, status, reason, resource]),
    [['POST', '/orders/1', 400, 'request_malformed', 'orders']],
  )
  assert.match(await stage.metrics(), /^audgate_open_requests 0$/m)
  assert.equal(stage.upstream.seen.length, 0)
})

test('H1-16: a broken chunk behind a request that is still being answered is answered in its turn, at once', async (t) => {
  let release: () => void = () => undefined
  const upstream = await startUpstream(t, (request, response) => {
    request.resume()
    if (request.method === 'GET') release = () => response.end('first')
  })
  const stage = await startOrders(t, {}, { upstream })
  const get = requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token()}`])
  const answer = sendRaw(stage.port, Buffer.concat([get, post(stage.token(), 'zz\r\n')]))
  while (upstream.seen.length < 1) await new Promise(setImmediate)
  release()
  const { text, closed } = await answer
  assert.deepEqual(
    [...text.matchAll(/HTTP\/1\.1 (\d{3})/g)].map(([, status]) => status),
    ['200', '400'],
  )
  assert.equal(closed, true)
  assert.equal((await loggedRequests(stage, 2)).length, 2)
})

test('contract section 4: framing that breaks while a slow signature is checked comes before what the check finds', async (t) => {
  const key = createKey('ES512', 'slow')
  const upstream = await startUpstream(t)
  const map = { [upstream.url]: { resource: ORDERS, at: '/orders', name: 'orders' } }
  const gateway = await startGateway(t, `${issuerYaml(key.jwk)}upstreams: ${JSON.stringify(map)}\n`)
  const now = Math.floor(Date.now() / 1000)
  const good = mint({ key, claims: { aud: ORDERS, iat: now, exp: now + 600 } })
  const forged = good.replace(/.{8}$/, 'AAAAAAAA')
  const behind = requestBytes(['GET /orders/2 HTTP/1.1', 'Host: a'])
  for (const [index, token] of [forged, good].entries()) {
    const broken = post(token, '5\r\nhello\r\nzz\r\n')
    const { text, closed } = await sendRaw(gateway.port, Buffer.concat([broken, behind]))
    assert.deepEqual(
      [...text.matchAll(/"reason":"(\w+)"/g)].map(([, reason]) => reason),
      ['request_malformed'],
    )
    assert.equal(closed, true)
    assert.equal((await loggedRequests(gateway, index + 1)).at(-1)?.reason, 'request_malformed')
  }
  assert.equal(upstream.seen.length, 0)
})
