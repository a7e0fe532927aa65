import assert from 'node:assert/strict'
import { test } from 'node:test'
import { ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const forged = () =>
  'HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: 21\r\n\r\n{"resource":"forged"}'

test('RT-10, PR-15, CA-5: it is answered without credentials, for any origin, and no upstream can forge it', async (t) => {
  const stage = await startSpied(t, { answer: forged, entry: { scopes: 'orders:read' } })
  const ask = (first: string, lines: readonly string[] = []) =>
    sendRaw(stage.port, requestBytes([`${first} HTTP/1.1`, 'Host: api.test', ...lines]), { until: wholeAnswer })
  const { text, status } = await ask('GET /.well-known/oauth-protected-resource/orders', [
    'Origin: https://app.test',
    'X-Forwarded-Host: evil.test',
    'Forwarded: host=evil.test',
  ])
  assert.equal(status, 200)
  assert.match(text, /\r\nContent-Type: application\/json\r\n/)
  assert.match(text, /\r\nAccess-Control-Allow-Origin: \*\r\n/)
  assert.match(text, /\r\nCache-Control: public, max-age=\d+\r\n/)
  const document = JSON.parse(text.slice(text.indexOf('\r\n\r\n')))
  assert.equal(document.resource, ORDERS)
  assert.deepEqual(document.authorization_servers, ['https://as.test/oidc'])
  assert.doesNotMatch(text, /forged|evil/)
  // What the challenge names is what is served.
  const challenge = (await ask('GET /orders/1')).text
  assert.match(challenge, /resource_metadata="https:\/\/api\.test\/\.well-known\/oauth-protected-resource\/orders"/)
  for (const first of [
    'GET /.well-known/oauth-protected-resource/unknown',
    'GET /.well-known/oauth-protected-resource/orders/1',
    'GET /.well-known/oauth-protected-resource/orders/',
  ]) {
    assert.equal((await ask(first, [stage.authorization])).status, 404, first)
  }
  assert.equal((await ask('POST /.well-known/oauth-protected-resource/orders', [stage.authorization])).status, 405)
  assert.equal(stage.spy.connections(), 0)
})

test('RT-10: a resource at the root of its host does not get those paths either', async (t) => {
  const stage = await startSpied(t, {
    answer: forged,
    entry: { resource: 'https://api.test', at: 'https://api.test', routes: { '/**': 'public' } },
  })
  const ask = (path: string) =>
    sendRaw(stage.port, requestBytes([`GET ${path} HTTP/1.1`, 'Host: api.test']), { until: wholeAnswer })
  const own = await ask('/.well-known/oauth-protected-resource')
  assert.match(own.text, /"resource":"https:\/\/api\.test"/)
  assert.equal((await ask('/.well-known/oauth-protected-resource/x')).status, 404)
  assert.equal(stage.spy.connections(), 0)
  assert.equal((await ask('/.well-known/other')).status, 200)
  assert.equal(stage.spy.connections(), 1)
})

test('FW-6: no field of a request changes a challenge', async (t) => {
  const stage = await startSpied(t, { listen: { trusted_proxies: ['127.0.0.1'] } })
  const { text } = await sendRaw(
    stage.port,
    requestBytes([
      'GET /orders/1 HTTP/1.1',
      'Host: evil.test',
      'X-Forwarded-Host: evil.test',
      'X-Forwarded-Prefix: //evil.test',
    ]),
    { until: wholeAnswer },
  )
  assert.match(text, /resource_metadata="https:\/\/api\.test\//)
  assert.doesNotMatch(text, /evil/)
})
