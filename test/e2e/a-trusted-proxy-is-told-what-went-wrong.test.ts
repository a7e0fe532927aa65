import assert from 'node:assert/strict'
import { createServer as createTlsServer } from 'node:https'
import { type AddressInfo, createServer, type Server } from 'node:net'
import { type TestContext, test } from 'node:test'
import { parseList, type Token } from 'structured-headers'
import { tls } from '../keys/tls.ts'
import { freePort } from '../support/free-port.ts'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { startRawUpstream } from '../support/upstream.ts'

const trusted = { trusted_proxies: ['127.0.0.1'] }
const named = 'refusals: { proxy_status: edge-1 }\n'

/** Every member of every line: who speaks, and its parameters. */
const members = (text: string) =>
  [...text.slice(0, text.indexOf('\r\n\r\n')).matchAll(/\r\nproxy-status: ([^\r]*)/gi)]
    .flatMap(([, value = '']) => parseList(value))
    .map(([name, parameters]) => ({
      name: String(name),
      ...Object.fromEntries([...parameters].map(([key, value]) => [key, String(value as Token)])),
    }))

const bound = async (t: TestContext, server: Server): Promise<number> => {
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  return (server.address() as AddressInfo).port
}

const saying = async (t: TestContext, bytes: string): Promise<string> =>
  (await startRawUpstream(t, (socket) => socket.once('data', () => socket.end(bytes, 'latin1')))).url

/** An upstream a fault. */
const faults: readonly (readonly [error: string, status: number, upstream: (t: TestContext) => Promise<string>])[] = [
  ['connection_refused', 502, async () => `http://127.0.0.1:${await freePort()}`],
  ['dns_error', 502, async () => 'http://no-such-host.invalid:80'],
  [
    'tls_certificate_error',
    502,
    async (t) =>
      `https://127.0.0.1:${await bound(
        t,
        createTlsServer(tls, (_request, response) => response.end()),
      )}`,
  ],
  [
    'tls_protocol_error',
    502,
    async (t) => {
      const plain = createServer((socket) => socket.on('error', () => undefined).end('no TLS here, whatever you ask'))
      return `https://127.0.0.1:${await bound(t, plain)}`
    },
  ],
  ['connection_terminated', 502, (t) => saying(t, '')],
  ['connection_terminated', 502, (t) => saying(t, 'HTTP/1.1 200 OK\r\nContent-Le')],
  ['http_protocol_error', 502, (t) => saying(t, 'hello\r\n\r\n')],
  [
    'http_response_header_section_size',
    502,
    (t) => saying(t, `HTTP/1.1 200 OK\r\n${'X-A: aaaaaaa\r\n'.repeat(9000)}\r\n`),
  ],
  ['http_response_timeout', 504, async (t) => (await startRawUpstream(t, () => undefined)).url],
]

test('ER-1, ER-2, ER-4: each fault of an upstream has its type, and nothing of where it is', async (t) => {
  for (const [error, expected, start] of faults) {
    const entry = { resource: ORDERS, at: '/orders', timeouts: { response: '300ms' } }
    const yaml = `${issuerYaml()}upstreams: ${JSON.stringify({ [await start(t)]: entry })}\n${named}`
    const { port } = await startGateway(t, yaml, trusted)
    const lines = ['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${liveToken()}`]
    const { status, text } = await sendRaw(port, requestBytes(lines), { until: wholeAnswer, quietMs: 5000 })
    assert.equal(status, expected, error)
    assert.deepEqual(members(text), [{ name: 'edge-1', error }])
    assert.doesNotMatch(text, /127\.0\.0\.1|localhost|invalid:|self.signed|ECONN|ENOTFOUND/)
  }
})

test('ER-1: what is wrong with the request has its type, too', async (t) => {
  const stage = await startSpied(t, { listen: trusted, extra: named, entry: { scopes: 'orders:admin' } })
  for (const [lines, status, error] of [
    [['GET /orders/1 HTTP/1.1', 'Host: a'], 401, 'http_request_denied'],
    [['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization], 403, 'http_request_denied'],
    [['GET /nowhere HTTP/1.1', 'Host: a'], 404, 'http_request_error'],
    [['GET /orders//1 HTTP/1.1', 'Host: a'], 400, 'http_request_error'],
    [['GET /orders/1 HTTP/1.1', 'Host: a', 'Host: b'], 400, 'http_request_error'],
  ] as const) {
    const answer = await sendRaw(stage.port, requestBytes(lines), { until: wholeAnswer })
    assert.equal(answer.status, status)
    assert.deepEqual(members(answer.text), [{ name: 'edge-1', error }])
  }
})

test('ER-4: a stranger is told nothing of it, and nobody is without the option', async (t) => {
  for (const stage of [
    await startSpied(t, { extra: named }),
    await startSpied(t, { extra: named, listen: { trusted_proxies: ['10.0.0.0/8'] } }),
    await startSpied(t, { listen: trusted }),
  ]) {
    const { status, text } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a']), {
      until: wholeAnswer,
    })
    assert.equal(status, 401)
    assert.doesNotMatch(text, /proxy-status/i)
  }
})

test('ER-2, ER-3: what is relayed has no member of ours, and keeps those of the proxies behind us', async (t) => {
  const inner = 'Proxy-Status: inner; error=connection_refused\r\nProxy-Status: "other one"; received-status=200\r\n'
  const stage = await startSpied(t, {
    answer: () => `HTTP/1.1 503 Service Unavailable\r\n${inner}Content-Length: 0\r\n\r\n`,
    listen: trusted,
    extra: named,
  })
  const { text } = await sendRaw(stage.port, requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]), {
    until: wholeAnswer,
  })
  assert.ok(text.includes(inner), text)
  assert.equal(members(text).length, 2)
})

test('ER-3: an answer that breaks off is cut, and has no trailer in place of its end', async (t) => {
  const stage = await startSpied(t, {
    answer: (_request, socket) => {
      socket.end('HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n')
      return undefined
    },
    listen: trusted,
    extra: named,
  })
  const { text, closed } = await sendRaw(
    stage.port,
    requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', stage.authorization]),
  )
  assert.ok(closed)
  assert.doesNotMatch(text, /proxy-status|\r\n0\r\n/i)
})
