import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Head, protectedNames as protectedNamesOf, readHead } from '../../src/http/head.ts'

const limits = { headerSize: 16_384, bodySize: 1000 }
const protectedNames = protectedNamesOf(['X-Request-Id', 'X-Auth-Subject'])

const read = (fields: readonly string[], version: readonly [number, number] = [1, 1]) =>
  readHead(
    { rawHeaders: fields, httpVersionMajor: version[0], httpVersionMinor: version[1] },
    limits,
    'x-request-id',
    protectedNames,
  )

const accept = (fields: readonly string[], version?: readonly [number, number]): Head => {
  const head = read(fields, version)
  assert.ok(!('reason' in head), JSON.stringify(head))
  return head
}

const refusal = (fields: readonly string[], version?: readonly [number, number]): string => {
  const head = read(fields, version)
  return 'reason' in head ? head.reason : 'accepted'
}

const host = ['Host', 'a.test']

test('BR-5, H1-1: what counts is seen line by line, whatever the case of its name', () => {
  const head = accept([
    ...['HOST', 'a.test:80'],
    ...['authorization', 'Bearer a'],
    ...['AUTHORIZATION', 'Basic b'],
    ...['x-request-ID', 'id-1'],
    ...['X-Forwarded-For', '1.1.1.1'],
    ...['x-forwarded-for', '2.2.2.2'],
    ...['X-FORWARDED-PROTO', 'https'],
    ...['X-Forwarded-Host', 'b.test'],
    ...['Forwarded', 'for=1.1.1.1'],
    ...['forwarded', 'for=2.2.2.2'],
    ...['Via', '1.0 a'],
    ...['VIA', '1.1 b'],
    ...['DPoP', 'proof-1'],
    ...['dpop', 'proof-2'],
    ...['Client-Cert', ':YQ==:'],
    ...['CLIENT-CERT', ':Yg==:'],
    ...['X-Forwarded-Client-Cert', 'Hash=a'],
    ...['x-forwarded-client-cert', 'Hash=b'],
  ])
  assert.equal(head.host, 'a.test:80')
  assert.deepEqual(head.authorization, ['Bearer a', 'Basic b'])
  assert.equal(head.requestId, 'id-1')
  assert.equal(head.via, '1.0 a, 1.1 b')
  assert.deepEqual(head.forwarded, {
    for: '1.1.1.1, 2.2.2.2',
    proto: 'https',
    host: 'b.test',
    forwarded: 'for=1.1.1.1, for=2.2.2.2',
    clientCert: [':YQ==:', ':Yg==:'],
    forwardedClientCert: ['Hash=a', 'Hash=b'],
  })
  // DP-1: two proofs are two, whatever they say.
  assert.deepEqual(head.proofs, ['proof-1', 'proof-2'])
})

test('look-alikes of these names are other fields', () => {
  const head = accept([
    ...host,
    'Authorisation',
    'x',
    'X_Forwarded_For',
    'x',
    'Hosts',
    'x',
    'Vi',
    'x',
    'X-Request_Id',
    'x',
    'DPo',
    'x',
    'DPoP-Nonce',
    'x',
    'Client_Cert',
    'x',
    'X-Forwarded-Client_Cert',
    'x',
  ])
  assert.deepEqual(head.authorization, [])
  assert.deepEqual(head.proofs, [])
  assert.deepEqual(head.forwarded, {
    for: '',
    proto: '',
    host: '',
    forwarded: '',
    clientCert: [],
    forwardedClientCert: [],
  })
  assert.equal(head.requestId, undefined)
})

test('H1-1: one valid Host in HTTP/1.1; none is for HTTP/1.0 only', () => {
  assert.equal(refusal([]), 'request_malformed')
  assert.equal(refusal([...host, ...host]), 'request_malformed')
  assert.equal(refusal(['Host', '']), 'request_malformed')
  assert.equal(refusal(['Host', 'a b']), 'request_malformed')
  assert.equal(refusal([], [1, 0]), 'accepted')
  assert.equal(refusal([...host, ...host], [1, 0]), 'request_malformed')
})

test('H1-22: HTTP/1 only', () => {
  assert.equal(refusal(host, [2, 0]), 'version_unsupported')
  assert.equal(refusal(host, [0, 9]), 'version_unsupported')
})

test('H1-7 … H1-10: `chunked` alone, once, in HTTP/1.1, and never beside a length', () => {
  const rows: readonly (readonly [fields: readonly string[], reason: string])[] = [
    [['Transfer-Encoding', 'chunked'], 'accepted'],
    [['Transfer-Encoding', ' CHUNKED '], 'accepted'],
    [['Transfer-Encoding', 'chunked', 'Content-Length', '5'], 'request_malformed'],
    [['Content-Length', '0', 'Transfer-Encoding', 'chunked'], 'request_malformed'],
    [['Transfer-Encoding', 'chunked', 'transfer-encoding', 'chunked'], 'request_malformed'],
    [['Transfer-Encoding', 'xchunked'], 'request_malformed'],
    [['Transfer-Encoding', 'chunked, identity'], 'request_malformed'],
    [['Transfer-Encoding', 'identity, chunked'], 'request_malformed'],
    [['Transfer-Encoding', 'chunked, chunked'], 'request_malformed'],
    [['Transfer-Encoding', '"gzip", chunked'], 'request_malformed'],
    [['Transfer-Encoding', ', chunked'], 'request_malformed'],
    [['Transfer-Encoding', ''], 'request_malformed'],
    [['Transfer-Encoding', 'gzip, chunked'], 'coding_not_implemented'],
    [['Transfer-Encoding', 'gzip, br,chunked'], 'coding_not_implemented'],
  ]
  for (const [fields, reason] of rows) assert.equal(refusal([...host, ...fields]), reason, `${fields}`)
  assert.equal(refusal([...host, 'Transfer-Encoding', 'chunked'], [1, 0]), 'request_malformed')
})

test('HS-22: a declared length beyond the limit is refused, and what content is to come is known', () => {
  assert.equal(refusal([...host, 'Content-Length', '1001']), 'body_too_large')
  for (const [fields, hasBody, length] of [
    [[], false, undefined],
    [['Content-Length', '0'], false, 0],
    [['Content-Length', '1000'], true, 1000],
    [['Transfer-Encoding', 'chunked'], true, undefined],
  ] as const) {
    const head = accept([...host, ...fields])
    assert.deepEqual([head.hasBody, head.contentLength], [hasBody, length], `${fields}`)
  }
})

test('H1-11: a length that no reader can count with is none', () => {
  assert.equal(refusal([...host, 'Content-Length', String(Number.MAX_SAFE_INTEGER)]), 'body_too_large')
  // 2^53 and beyond: what is read is not what was written.
  for (const length of ['9007199254740992', '18446744073709551615']) {
    assert.equal(refusal([...host, 'Content-Length', length]), 'request_malformed', length)
  }
})

test('H1-24: the name of a field that is too large alone is known, and never its value', () => {
  const secret = 'a'.repeat(16_384)
  assert.deepEqual(read([...host, 'X-One', 'b', 'X-Large', secret]), {
    reason: 'header_too_large',
    limit: 16_384,
    field: 'x-large',
  })
  // A name that is the large part itself is not repeated; nor is one named where all together are too large.
  const nameless = { reason: 'header_too_large', limit: 16_384 }
  assert.deepEqual(read([...host, `X-${secret}`, 'b']), nameless)
  assert.deepEqual(read([...host, 'X-One', secret.slice(0, 9000), 'X-Two', secret.slice(0, 9000)]), nameless)
})

test('H1-24: too many bytes of fields, or as many fields as Node counts', () => {
  assert.equal(refusal([...host, 'X', 'a'.repeat(16_384)]), 'header_too_large')
  assert.equal(
    refusal([
      ...host,
      ...Array(1000)
        .fill(['a', 'b'.repeat(14)])
        .flat(),
    ]),
    'header_too_large',
  )
  const many = Array(2000).fill(['a', '']).flat()
  assert.equal('reason' in read([...host, ...many]) && refusal([...host, ...many]), 'header_too_large')
  const unlimited = readHead(
    { rawHeaders: [...host, ...many], httpVersionMajor: 1, httpVersionMinor: 1 },
    { headerSize: 0, bodySize: 0 },
    'x-request-id',
    protectedNames,
  )
  assert.ok('reason' in unlimited && unlimited.reason === 'header_too_large')
})

test('HS-1, HS-3: what `Connection` names is known, and no field that counts is among it', () => {
  const named = (...values: string[]): string[] => [
    ...(accept([...host, ...values.flatMap((value) => ['Connection', value])]).nominated ?? []),
  ]
  assert.deepEqual(named('keep-alive'), [])
  assert.deepEqual(named('Close'), [])
  assert.deepEqual(named('X-Foo, close', ',y ,'), ['x-foo', 'close', 'y'])
  assert.deepEqual(named('Upgrade'), ['upgrade'])
  assert.deepEqual(named('keep-alive, TE', 'traceparent'), ['keep-alive', 'te', 'traceparent'])
  const prefixed = ['x-forwarded-for', 'x-forwarded-anything', 'content-length', 'content-anything', ':authority', ':x']
  for (const name of [...protectedNames, ...prefixed]) {
    assert.equal(refusal([...host, 'Connection', `close, ${name.toUpperCase()}`]), 'request_malformed', name)
  }
})

test('a flood of lines of fields that come once costs no more than two of them', () => {
  const flood = ['DPoP', 'Client-Cert', 'X-Forwarded-Client-Cert'].flatMap((name) =>
    Array.from({ length: 200 }, (_, index) => [name, `${index}`]).flat(),
  )
  const head = accept([...host, ...flood])
  assert.deepEqual(head.proofs, ['0', '1'])
  assert.deepEqual(head.forwarded.clientCert, ['0', '1'])
  assert.deepEqual(head.forwarded.forwardedClientCert, ['0', '1'])
})
