import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const ask = (port: number, method: string, lines: readonly string[]) =>
  sendRaw(port, requestBytes([`${method} /orders/1 HTTP/1.1`, 'Host: api.test', ...lines]), { until: wholeAnswer })

test('HS-6: Max-Forwards counts for OPTIONS, which 0 ends at the gateway, after the decision', async (t) => {
  const stage = await startSpied(t, { entry: { routes: { 'GET,OPTIONS /{id}': 'orders:read' } } })
  const { authorization, spy, port } = stage

  const here = await ask(port, 'OPTIONS', [authorization, 'Max-Forwards: 0'])
  assert.equal(here.status, 200)
  assert.match(here.text, /\r\nAllow: GET, OPTIONS, HEAD\r\n|\r\nAllow: GET, HEAD, OPTIONS\r\n/)
  assert.match(here.text, /\r\nContent-Length: 0\r\n/)
  assert.doesNotMatch(here.text, /Content-Type/i)
  assert.equal((await ask(port, 'OPTIONS', ['Max-Forwards: 0'])).status, 401)
  assert.equal(spy.requests.length, 0)
  const [allowed] = await stage.log().then((lines) => lines.filter(({ msg }) => msg === 'request'))
  assert.deepEqual([allowed?.decision, allowed?.status, allowed?.reason], ['allow', 200, 'none'])

  const cases = [
    ['OPTIONS', ['Max-Forwards: 7'], ['6']],
    ['OPTIONS', ['Max-Forwards: 1'], ['0']],
    ['OPTIONS', [], []],
    // No number: nothing to count with, and nothing to invent.
    ['OPTIONS', ['Max-Forwards: many'], ['many']],
    ['OPTIONS', ['Max-Forwards: -1'], ['-1']],
    // It says nothing about other methods.
    ['GET', ['Max-Forwards: 0'], ['0']],
  ] as const
  for (const [method, lines, sent] of cases) {
    assert.equal((await ask(port, method, [authorization, ...lines])).status, 200, `${method} ${lines.join()}`)
    assert.deepEqual(spy.requests.at(-1)?.values('max-forwards'), sent, `${method} ${lines.join()}`)
  }
})
