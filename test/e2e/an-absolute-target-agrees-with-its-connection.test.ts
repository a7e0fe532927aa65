import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { startOverTls } from '../support/tls-stage.ts'

const place = { entry: { at: 'https://gw.test/orders' } }

const request = (scheme: string, lines: readonly string[]): Buffer =>
  requestBytes([`GET ${scheme}://gw.test/orders/1 HTTP/1.1`, 'Host: gw.test', ...lines])

test('H1-2: on a plain connection the scheme of an absolute target is http', async (t) => {
  const stage = await startSpied(t, place)
  for (const [scheme, expected] of [
    ['http', 200],
    ['https', 400],
    ['HTTPS', 400],
  ] as const) {
    const { status, text } = await sendRaw(stage.port, request(scheme, [stage.authorization]), { until: wholeAnswer })
    assert.equal(status, expected, scheme)
    if (status === 400) assert.match(text, /"reason":"target_malformed"/)
  }
  assert.equal(stage.spy.requests.length, 1)
})

test('H1-2: on a TLS connection it is https', async (t) => {
  const stage = await startOverTls(t, {}, place)
  for (const [scheme, expected] of [
    ['https', '200'],
    ['http', '400'],
  ] as const) {
    const client = await stage.converse()
    client.say(request(scheme, [stage.authorization]))
    const text = await client.hear('the answer', wholeAnswer)
    assert.equal(text.slice(9, 12), expected, scheme)
  }
  assert.equal(stage.spy.requests.length, 1)
})

test('H1-2, FW-7: behind a trusted proxy it is what the proxy says it was; a stranger’s word does not count', async (t) => {
  for (const [trusted, scheme, expected] of [
    [true, 'https', 200],
    [true, 'http', 400],
    [false, 'https', 400],
    [false, 'http', 200],
  ] as const) {
    const stage = await startSpied(t, { ...place, ...(trusted && { listen: { trusted_proxies: ['127.0.0.1'] } }) })
    const lines = [stage.authorization, 'X-Forwarded-Proto: https']
    const { status } = await sendRaw(stage.port, request(scheme, lines), { until: wholeAnswer })
    assert.equal(status, expected, `${trusted} ${scheme}`)
  }
})
