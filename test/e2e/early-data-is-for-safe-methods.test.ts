import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const ask = (port: number, method: string, lines: readonly string[]) =>
  sendRaw(port, requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: api.test', ...lines]), { until: wholeAnswer })

test('WS-14: with refuse_early_data a request that is not safe and came early is answered 425, before its token is looked at', async (t) => {
  const stage = await startSpied(t, { listen: { refuse_early_data: true } })
  const { port, spy, authorization } = stage
  for (const method of ['POST', 'PUT', 'DELETE', 'PATCH']) {
    for (const credentials of [[authorization], []]) {
      const answer = await ask(port, method, [...credentials, 'Early-Data: 1'])
      assert.equal(answer.status, 425, method)
      assert.match(answer.text, /"reason":"too_early"/)
      assert.doesNotMatch(answer.text, /WWW-Authenticate/i)
    }
  }
  assert.equal(spy.connections(), 0)
  // RFC 8470 section 5.1: it goes on, so that the API may judge for itself.
  assert.equal((await ask(port, 'GET', [authorization, 'Early-Data: 1'])).status, 200)
  assert.deepEqual(spy.requests.at(-1)?.values('early-data'), ['1'])
  assert.equal((await ask(port, 'POST', [authorization])).status, 200)
})

test('WS-14: without the option early data is for the API to judge', async (t) => {
  const { port, spy, authorization } = await startSpied(t)
  assert.equal((await ask(port, 'POST', [authorization, 'Early-Data: 1'])).status, 200)
  assert.deepEqual(spy.requests.at(-1)?.values('early-data'), ['1'])
})
