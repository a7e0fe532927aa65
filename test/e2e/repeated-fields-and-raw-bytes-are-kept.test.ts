import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'

const linesOf = (text: string, name: RegExp): string[] =>
  text
    .slice(0, text.indexOf('\r\n\r\n'))
    .split('\r\n')
    .filter((line) => name.test(line))

test('HS-13, HS-14, HS-15: a request’s repeated fields, their order, spelling and bytes arrive as sent', async (t) => {
  const stage = await startSpied(t)
  const lines = [
    'X-A: 1',
    'Cookie: a=1',
    'x-a: 2',
    'X-b: caf\xe9 \x80\xff',
    'Cookie: b=2',
    'X-A: 1',
    'Mcp-Param-X: y',
    'X-A:',
  ]
  await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, ...lines]), {
    until: wholeAnswer,
  })
  const [seen] = stage.spy.requests
  const kept = seen?.fields
    .filter(([name]) => /^(?:x-[ab]|cookie|mcp-param-x)$/i.test(name))
    .map(([name, value]) => `${name}: ${value}`)
  assert.deepEqual(kept, [...lines.slice(0, -1), 'X-A: '])
})

test('HS-14, HS-15, HS-25: an answer’s repeated fields, `Set-Cookie` among them, their order and bytes arrive as sent', async (t) => {
  const lines = [
    'Set-Cookie: a=1; Path=/',
    'X-A: 1',
    'Set-Cookie: b=2, c',
    'x-a: caf\xe9 \x80',
    'Date: Mon, 01 Jan 2024 00:00:00 GMT',
    'set-cookie: a=1',
  ]
  const stage = await startSpied(t, {
    answer: () => Buffer.from(`HTTP/1.1 200 Fine\r\n${lines.join('\r\n')}\r\nContent-Length: 2\r\n\r\nok`, 'latin1'),
  })
  const { text } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]), {
    until: wholeAnswer,
  })
  assert.match(text, /^HTTP\/1\.1 200 Fine\r\n/)
  assert.deepEqual(linesOf(text, /^(?:set-cookie|x-a|date):/i), lines)
})

test('HS-25: an answer without `Date` gets one, and every answer has one request id, the gateway’s', async (t) => {
  const stage = await startSpied(t, {
    answer: () => 'HTTP/1.1 200 OK\r\nX-Request-Id: forged\r\nx-request-id: forged\r\nContent-Length: 0\r\n\r\n',
  })
  const { text } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]), {
    until: wholeAnswer,
  })
  assert.equal(linesOf(text, /^date:/i).length, 1)
  assert.deepEqual(linesOf(text, /^x-request-id:/i).length, 1)
  assert.doesNotMatch(text, /forged/)
})

test('CVE-2026-21710: fields named like members of every object are ordinary fields in both directions', async (t) => {
  const names = ['__proto__', 'constructor', 'toString', 'hasOwnProperty']
  const stage = await startSpied(t, {
    answer: () =>
      `HTTP/1.1 200 OK\r\n${names.map((name) => `${name}: 1\r\n${name}: 2\r\n`).join('')}Content-Length: 0\r\n\r\n`,
  })
  const lines = names.flatMap((name) => [`${name}: 1`, `${name}: 2`])
  for (let i = 0; i < 2; i++) {
    const { text } = await sendRaw(
      stage.port,
      requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization, ...lines]),
      { until: wholeAnswer },
    )
    assert.deepEqual(linesOf(text, /^(?:__proto__|constructor|tostring|hasownproperty):/i), lines)
  }
  assert.deepEqual(stage.spy.requests[0]?.values('constructor'), ['1', '2'])
  assert.equal(({} as Record<string, unknown>)['1'], undefined)
})
