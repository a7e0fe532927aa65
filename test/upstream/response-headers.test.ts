import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResponseHeaders, relayableTrailers } from '../../src/upstream/response-headers.ts'

const build = createResponseHeaders('X-Request-Id')
const relayed = (raw: readonly (string | Buffer)[], status = 200): string[] => {
  const all = build(raw, status, 'id-1')
  assert.deepEqual(all.slice(-2), ['X-Request-Id', 'id-1'])
  return all.slice(0, -2)
}

test('HS-14, HS-15: order, repetition and bytes are kept', () => {
  const raw = ['Set-Cookie', 'a', 'X-A', 'caf\xe9', 'set-cookie', 'b', 'Set-Cookie', 'a']
  assert.deepEqual(relayed(raw), raw)
  assert.deepEqual(relayed(raw.map((text) => Buffer.from(text, 'latin1'))), raw)
})

test('HS-1, HS-2: hop-by-hop fields and what `Connection` names are gone, framing never is', () => {
  for (const name of [
    'Connection',
    'Keep-Alive',
    'Proxy-Authenticate',
    'Proxy-Connection',
    'TE',
    'Transfer-Encoding',
    'Upgrade',
    'HTTP2-Settings',
  ]) {
    assert.deepEqual(relayed([name, 'x', 'X-A', '1', name.toLowerCase(), 'x']), ['X-A', '1'], name)
  }
  assert.deepEqual(
    relayed([
      'X-Hop',
      '1',
      'Connection',
      'close, X-HOP',
      'x-hop',
      '2',
      'connection',
      ' etag ,content-length',
      'ETag',
      '1',
      'Content-Length',
      '5',
    ]),
    ['Content-Length', '5'],
  )
})

test('the gateway’s request id is the only one, and is not to be nominated away', () => {
  assert.deepEqual(relayed(['x-REQUEST-id', 'forged', 'Connection', 'x-request-id']), [])
})

test('HS-24: no length on 204, the upstream’s word on every other status', () => {
  assert.deepEqual(relayed(['Content-Length', '5'], 204), [])
  assert.deepEqual(relayed(['Content-Length', '5'], 304), ['Content-Length', '5'])
})

test('MT-6: an answer that depends on the client certificate is for no cache on the way; any other `Vary` stays', () => {
  for (const [value, expected] of [
    ['Client-Cert', '*'],
    ['client-cert', '*'],
    ['Accept, Client-Cert', '*'],
    ['Accept ,\tCLIENT-CERT , Origin', '*'],
    ['Client-Cert-Chain', '*'],
    ['X-Forwarded-Client-Cert', '*'],
    ['*', '*'],
    ['Accept, Origin', 'Accept, Origin'],
    ['X-Client-Cert', 'X-Client-Cert'],
    ['Client-Certificate', 'Client-Certificate'],
    ['', ''],
  ] as const) {
    assert.deepEqual(relayed(['vary', value, 'X-A', 'Client-Cert']), ['vary', expected, 'X-A', 'Client-Cert'], value)
    const bytes = ['Vary', value].map((text) => Buffer.from(text))
    for (let i = 0; i < 2; i++) assert.deepEqual(relayed(bytes), ['Vary', expected])
  }
  assert.deepEqual(relayed(['Vary', 'Accept', 'Vary', 'Client-Cert']), ['Vary', 'Accept', 'Vary', '*'])
})

test('H1-18: trailers that may be relayed', () => {
  const raw = [
    ...[
      'X-Sum',
      '1',
      'Content-Length',
      '5',
      'content-anything',
      'x',
      'Set-Cookie',
      'a',
      'Host',
      'a',
      'Authorization',
      'x',
    ],
    ...['WWW-Authenticate', 'x', 'Transfer-Encoding', 'x', 'Trailer', 'x', 'Cache-Control', 'x', 'x-sum', '2'],
  ]
  assert.deepEqual(relayableTrailers(raw), [
    ['X-Sum', '1'],
    ['x-sum', '2'],
  ])
  assert.deepEqual(relayableTrailers([]), [])
})
