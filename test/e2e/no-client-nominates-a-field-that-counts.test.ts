import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const counting = [
  'Host',
  'Authorization',
  'Content-Length',
  'Content-Type',
  'Cookie',
  'DPoP',
  'Forwarded',
  'Via',
  'X-Forwarded-For',
  'X-Forwarded-Proto',
  'X-Forwarded-Host',
  'X-Forwarded-Port',
  'X-Request-Id',
  'X-Auth-Subject',
  'X-Auth-Client',
]

test('HS-3, FW-13: `Connection` that names a field which a decision rests on is refused, however it is written', async (t) => {
  const stage = await startSpied(t, {
    entry: {
      identity_headers: { 'X-Auth-Subject': 'sub', 'x-AUTH-client': 'client_id' },
      routes: { 'GET /open': 'public', '/**': 'authenticated' },
    },
  })
  const spellings = (name: string): string[][] => [
    [`Connection: ${name}`],
    [`Connection: close, ${name.toLowerCase()}`],
    ['Connection: close', `connection: ${name.toUpperCase()}`],
    [`Connection:,\t${name} ,x`],
  ]
  const runs = counting.flatMap((name) => spellings(name).map((lines) => ({ name, lines })))
  const answers = await Promise.all(
    runs.map(async ({ lines }, index) => {
      const path = index % 2 === 0 ? '/orders/open' : '/orders/1'
      return sendRaw(stage.port, requestBytes([`GET ${path} HTTP/1.1`, 'Host: a', stage.authorization, ...lines]))
    }),
  )
  for (const [index, { text, status, closed }] of answers.entries()) {
    assert.equal(status, 400, `${runs[index]?.lines}`)
    assert.match(text, /"reason":"request_malformed"/)
    assert.ok(closed)
  }
  assert.equal(stage.spy.connections(), 0)
})
