import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createResponseHeaders, relayableTrailers } from '../../src/upstream/response-headers.ts'

const build = createResponseHeaders('X-Request-Id')
const relayed = (raw: readonly (string | Buffer)[], status = 200, personal = false): string[] => {
  const all = build(raw, status, 'id-1', personal)
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

const personal = (...raw: readonly string[]): string[] => relayed(raw, 200, true)

test('CA-2: of an answer for the holder of a token the lines of `Cache-Control` are one list, for no shared cache', () => {
  const date = ['Date', 'now']
  assert.deepEqual(personal('Cache-Control', 'public, max-age=600', ...date), [
    ...['Cache-Control', 'max-age=600, private'],
    ...date,
  ])
  assert.deepEqual(
    personal(
      'X-A',
      '1',
      'cache-control',
      'max-age=60',
      ...date,
      'Cache-Control',
      's-maxage=10',
      'CACHE-CONTROL',
      'x=1',
    ),
    ['X-A', '1', 'cache-control', 'max-age=60, x=1, private', ...date],
  )
  assert.deepEqual(personal('Cache-Control', 'private', 'Cache-Control', 'public'), ['Cache-Control', 'private'])
  const bytes = ['Cache-Control', 'public'].map((text) => Buffer.from(text))
  for (let i = 0; i < 2; i++) assert.deepEqual(relayed(bytes, 304, true), ['Cache-Control', 'private'])
})

test('CA-2: what no shared cache would keep is relayed as it came, in as many lines, and nothing is made up', () => {
  for (const raw of [
    ['Cache-Control', 'no-store', 'Cache-Control', 'must-revalidate'],
    ['Cache-Control', 'Private ,max-age=1'],
    ['Expires', 'x', 'Pragma', 'public', 'X-Cache', 'public'],
    [],
  ]) {
    assert.deepEqual(personal(...raw), raw)
  }
})

test('CA-2: a field for one kind of cache, which would count more, is gone from it', () => {
  for (const name of ['CDN-Cache-Control', 'Vercel-CDN-Cache-Control', 'surrogate-control', 'Edge-Control']) {
    for (let i = 0; i < 2; i++) assert.deepEqual(personal(name, 'max-age=600', 'X-A', '1'), ['X-A', '1'], name)
  }
})

test('CA-2: what nobody needed a token for is for every cache', () => {
  for (const raw of [
    ['Cache-Control', 'public, s-maxage=600', 'CDN-Cache-Control', 'max-age=600', 'Cache-Control', 'must-revalidate'],
    ['Surrogate-Control', 'max-age=600'],
  ]) {
    assert.deepEqual(relayed(raw), raw)
  }
})

test('HS-1, CA-2: an upstream that makes `Cache-Control` a field of this hop gets none through', () => {
  assert.deepEqual(personal('Connection', 'cache-control', 'Cache-Control', 'public', 'cache-control', 'no-cache'), [])
})

test('ER-2: what a proxy behind us said in `Proxy-Status` is end-to-end', () => {
  const raw = ['Proxy-Status', 'inner; error=connection_refused', 'Proxy-Status', 'other; hit']
  assert.deepEqual(relayed(raw), raw)
  assert.deepEqual(personal(...raw), raw)
})

test('HS-28: digests and signatures are end-to-end', () => {
  const raw = [
    'Content-Digest',
    'sha-256=:AA==:',
    'Repr-Digest',
    'x',
    'Signature-Input',
    's=()',
    'Signature',
    's=:AA==:',
  ]
  assert.deepEqual(relayed(raw), raw)
  assert.deepEqual(personal(...raw), raw)
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
    ...['CDN-Cache-Control', 'x', 'Surrogate-Control', 'x'],
  ]
  assert.deepEqual(relayableTrailers(raw), [
    ['X-Sum', '1'],
    ['x-sum', '2'],
  ])
  assert.deepEqual(relayableTrailers([]), [])
})
