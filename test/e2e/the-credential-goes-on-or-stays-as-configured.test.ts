import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { type SpiedOptions, startSpied } from '../support/spy.ts'

const ask = async (
  t: Parameters<typeof startSpied>[0],
  options: SpiedOptions,
  first: string,
  lines: readonly string[],
) => {
  const stage = await startSpied(t, options)
  const answer = await sendRaw(
    stage.port,
    requestBytes([`${first} HTTP/1.1`, 'Host: a', ...lines.map((line) => line.replace('{token}', stage.token()))]),
    { until: wholeAnswer },
  )
  return { stage, answer, seen: stage.spy.requests.at(-1) }
}

const challenging = () =>
  'HTTP/1.1 401 Unauthorized\r\nWWW-Authenticate: Bearer error="invalid_token", realm="api"\r\nContent-Length: 2\r\n\r\nno'

test('BR-19, FW-12: `forward` hands the verified credential on byte for byte, spelling and spaces included', async (t) => {
  for (const scheme of ['Bearer ', 'bEaReR ', 'Bearer   ']) {
    const { seen, answer } = await ask(t, {}, 'GET /orders/1', [`AuthORIzation: ${scheme}{token}`])
    assert.equal(answer.status, 200)
    const line = seen?.fields.find(([name]) => name === 'AuthORIzation')
    assert.match(line?.[1] ?? '', new RegExp(`^${scheme}eyJ`))
  }
})

test('RI-18, FW-12: `strip` takes it out', async (t) => {
  const { seen, answer, stage } = await ask(t, { entry: { authorization: 'strip' } }, 'GET /orders/1', [
    'Authorization: Bearer {token}',
  ])
  assert.equal(answer.status, 200)
  assert.deepEqual(seen?.values('authorization'), [])
  assert.doesNotMatch(stage.spy.bytes(), /eyJ/)
})

test('BR-20: the upstream’s own 401 passes with its challenge under `forward`, and is 502 under `strip`', async (t) => {
  const forwarded = await ask(t, { answer: challenging }, 'GET /orders/1', ['Authorization: Bearer {token}'])
  assert.equal(forwarded.answer.status, 401)
  assert.match(forwarded.answer.text, /\r\nWWW-Authenticate: Bearer error="invalid_token", realm="api"\r\n/)
  assert.match(forwarded.answer.text, /\r\n\r\nno$/)
  const stripped = await ask(t, { answer: challenging, entry: { authorization: 'strip' } }, 'GET /orders/1', [
    'Authorization: Bearer {token}',
  ])
  assert.equal(stripped.answer.status, 502)
  assert.match(stripped.answer.text, /"reason":"upstream_invalid"/)
  assert.doesNotMatch(stripped.answer.text, /WWW-Authenticate/i)
})

test('BR-21: `Proxy-Authorization` is no credential and does not go on', async (t) => {
  const alone = await ask(t, {}, 'GET /orders/1', ['Proxy-Authorization: Bearer {token}'])
  assert.equal(alone.answer.status, 401)
  assert.equal(alone.stage.spy.connections(), 0)
  const beside = await ask(t, {}, 'GET /orders/1', ['Authorization: Bearer {token}', 'Proxy-Authorization: Bearer x'])
  assert.deepEqual(beside.seen?.values('proxy-authorization'), [])
})

const open: SpiedOptions = { entry: { routes: { '/open/**': 'public', '/**': 'authenticated' } } }

test('FW-8, MC-4: on a public route no credential goes on, good, bad or repeated', async (t) => {
  for (const lines of [
    ['Authorization: Bearer {token}'],
    ['Authorization: Bearer x', 'authorization: Basic eDp5'],
    ['Authorization: Basic eDp5'],
    ['Authorization:'],
  ]) {
    const { seen, answer } = await ask(t, open, 'GET /orders/open/1', lines)
    assert.equal(answer.status, 200)
    assert.deepEqual(seen?.values('authorization'), [], `${lines}`)
  }
})

test('BR-6: on a public route `access_token` is taken out of the query, in every spelling, and the rest stays as it was', async (t) => {
  for (const [query, kept] of [
    ['?access_token=secret', ''],
    ['?a=1&access_token=secret&b=%20%zz&&c', '?a=1&b=%20%zz&&c'],
    ['?%61ccess_toke%6E=secret&x', '?x'],
    ['?access_token=secret&access_token=secret', ''],
    ['?access_token', ''],
    ['?xaccess_token=1&access_tokens=2', '?xaccess_token=1&access_tokens=2'],
    ['?', '?'],
  ] as const) {
    const { seen, answer, stage } = await ask(t, open, `GET /orders/open/1${query}`, [])
    assert.equal(answer.status, 200)
    assert.equal(seen?.line, `GET /open/1${kept} HTTP/1.1`)
    assert.doesNotMatch(await stage.logText(), /secret/)
  }
})

test('BR-6: elsewhere a token in the query is no credential, and beside one the request is refused', async (t) => {
  const alone = await ask(t, {}, 'GET /orders/1?access_token=secret', [])
  assert.equal(alone.answer.status, 401)
  assert.match(alone.answer.text, /"reason":"token_missing"/)
  const both = await ask(t, {}, 'GET /orders/1?%61ccess_token=secret', ['Authorization: Bearer {token}'])
  assert.equal(both.answer.status, 400)
  assert.match(both.answer.text, /"reason":"credentials_repeated"/)
  for (const { stage } of [alone, both]) {
    assert.equal(stage.spy.connections(), 0)
    assert.doesNotMatch(await stage.logText(), /secret/)
  }
})
