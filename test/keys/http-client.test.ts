import assert from 'node:assert/strict'
import { type TestContext, test } from 'node:test'
import { createHttpClient, type FetchFault, urlFault } from '../../src/keys/http-client.ts'
import { type Answer, endless, json, reset, silence, startKeyServer, status, text } from './key-server.ts'
import { certificate, tls } from './tls.ts'

const client = (t: TestContext, ca?: string) => {
  const created = createHttpClient(ca, 5_000)
  t.after(() => created.close())
  return created
}

const options = (timeoutMs = 5_000) => ({
  accept: 'application/json',
  etag: undefined,
  signal: AbortSignal.timeout(timeoutMs),
})

const drip: Answer = (_, response) => {
  response.writeHead(200, { 'content-type': 'application/json' })
  response.write('{"keys":')
}

const declaredHuge: Answer = (_, response) => {
  response.on('error', () => undefined).writeHead(200, { 'content-length': 1_000_000_000 })
  response.write(Buffer.alloc(600 * 1024, ' '))
}

const faults: readonly (readonly [string, Answer, FetchFault])[] = [
  ['a 302 is not followed', status(302, { location: '/elsewhere' }), 'http'],
  ['a 307 is not followed', status(307, { location: '/elsewhere' }), 'http'],
  ['a 204 is no answer', status(204), 'http'],
  ['a 500 is no answer', status(500), 'http'],
  ['a 304 that was not asked for is no answer', status(304), 'http'],
  ['an endless body is cut off', endless, 'too_large'],
  ['a body of a gigabyte is cut off', declaredHuge, 'too_large'],
  ['silence ends', silence, 'timeout'],
  ['a body that stops half-way ends', drip, 'timeout'],
  ['a connection that breaks is no answer', reset, 'connect'],
]

for (const [name, answer, result] of faults) {
  test(`AS-6: ${name}`, async (t) => {
    const server = await startKeyServer(t)
    server.set('/jwks', answer)
    const got = await client(t).get(server.url('/jwks'), options(result === 'timeout' ? 150 : 5_000))
    assert.equal(got.ok, false)
    assert.equal(!got.ok && got.result, result)
    assert.equal(server.allHits(), 1)
  })
}

test('AS-6: a body of exactly 512 KiB is read, one byte more is not', async (t) => {
  const server = await startKeyServer(t)
  for (const [size, ok] of [
    [512 * 1024, true],
    [512 * 1024 + 1, false],
  ] as const) {
    server.set('/jwks', text(Buffer.alloc(size, ' ')))
    assert.equal((await client(t).get(server.url('/jwks'), options())).ok, ok)
  }
})

test('AS-6: nobody listens: connect, not the message of a library', async (t) => {
  const server = await startKeyServer(t)
  await server.close()
  const got = await client(t).get(server.url('/jwks?key=s3cret'), options())
  assert.deepEqual(got, {
    ok: false,
    result: 'connect',
    message: `${server.url('/jwks')}: failed with ECONNREFUSED`,
  })
})

test('AS-5: a certificate that no CA vouches for is refused, and the private CA of the config is believed', async (t) => {
  const server = await startKeyServer(t, tls)
  server.set('/jwks', json({ keys: [] }))
  const refused = await client(t).get(server.url('/jwks'), options())
  assert.equal(!refused.ok && refused.result, 'tls')
  assert.equal(server.allHits(), 0)
  assert.equal((await client(t, certificate).get(server.url('/jwks'), options())).ok, true)
})

test('AS-6: the request carries no credential and no cookie, not even those of the answer before', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({}, { 'set-cookie': 'a=b' }))
  const one = client(t)
  await one.get(server.url('/jwks'), options())
  await one.get(server.url('/jwks'), options())
  assert.deepEqual(Object.keys(server.lastHeaders()).sort(), [
    'accept',
    'accept-encoding',
    'connection',
    'host',
    'user-agent',
  ])
  assert.equal(server.lastHeaders().connection, 'close')
})

test('media type, entity tag and remaining max-age are read from the answer', async (t) => {
  const server = await startKeyServer(t)
  for (const [fields, expected] of [
    [{ 'content-type': 'Application/JSON; charset=utf-8', etag: '"1"' }, ['application/json', '"1"', undefined]],
    [{ 'content-type': 'text/html', 'cache-control': 'public, max-age=60, x' }, ['text/html', undefined, 60]],
    [{ 'content-type': 'text/html', 'cache-control': 'max-age=60', age: '50' }, ['text/html', undefined, 10]],
    [{ 'content-type': 'text/html', 'cache-control': 'max-age=60', age: '70' }, ['text/html', undefined, undefined]],
    [{ 'content-type': 'text/html', 'cache-control': 's-maxage=60, max-age=0' }, ['text/html', undefined, undefined]],
  ] as const) {
    server.set('/jwks', json({}, fields))
    const got = await client(t).get(server.url('/jwks'), options())
    assert.deepEqual(got.ok && [got.mediaType, got.etag, got.maxAgeSeconds], expected)
  }
})

test('closing gives up what is in flight at once', async (t) => {
  const server = await startKeyServer(t)
  const closing = createHttpClient(undefined, 60_000)
  server.set('/jwks', () => void closing.close())
  const got = await closing.get(server.url('/jwks'), options(60_000))
  assert.equal(!got.ok && got.message.endsWith('given up: closing'), true)
})

test('AS-5: https anywhere, http on loopback or when dangerously allowed, nothing else, no credentials', () => {
  for (const [url, allowHttp, good] of [
    ['https://as.example.com/jwks', false, true],
    ['http://127.0.0.1:1/jwks', false, true],
    ['http://127.8.9.10/jwks', false, true],
    ['http://[::1]:1/jwks', false, true],
    ['http://localhost:1/jwks', false, true],
    ['http://as.example.com/jwks', false, false],
    ['http://127.0.0.1.example.com/jwks', false, false],
    ['http://localhost.example.com/jwks', false, false],
    ['http://10.0.0.1/jwks', false, false],
    ['http://as.example.com/jwks', true, true],
    ['file:///etc/passwd', true, false],
    ['ftp://as.example.com/', true, false],
    ['data:application/json,{}', true, false],
    ['https://user:pass@as.example.com/jwks', true, false],
    ['/jwks', true, false],
    ['', true, false],
  ] as const) {
    assert.equal(urlFault(url, allowHttp) === undefined, good, `${url} ${allowHttp}`)
  }
})

const form = { body: 'a=b', headers: { authorization: 'Basic x' }, accept: 'application/json' }

test('AS-6: a form is posted with its fields, and what an OAuth server says is told apart', async (t) => {
  const server = await startKeyServer(t)
  const seen: unknown[] = []
  for (const code of [200, 400, 401, 403]) {
    server.set('/form', (request, response) => {
      const { method, headers } = request
      request.on('data', (chunk) => seen.push([method, headers['content-type'], headers.authorization, String(chunk)]))
      response.writeHead(code, { 'content-type': 'application/json; charset=utf-8' }).end('{}')
    })
    const got = await client(t).post(server.url('/form'), { ...form, signal: AbortSignal.timeout(5_000) })
    assert.deepEqual(got.ok && [got.status, got.mediaType, String(Buffer.from(got.body))], [
      code,
      'application/json',
      '{}',
    ])
  }
  assert.deepEqual(seen, Array(4).fill(['POST', 'application/x-www-form-urlencoded', 'Basic x', 'a=b']))
})

for (const [name, answer, result] of faults.filter(([, , fault]) => fault !== 'timeout')) {
  test(`AS-6: in answer to a form, ${name}`, async (t) => {
    const server = await startKeyServer(t)
    server.set('/form', answer)
    const got = await client(t).post(server.url('/form'), { ...form, signal: AbortSignal.timeout(5_000) })
    assert.equal(!got.ok && got.result, result)
    assert.equal(server.allHits(), 1)
  })
}

test('a form is sent once: over a connection that breaks it fails, and the failure says so', async (t) => {
  const server = await startKeyServer(t)
  const keeping = createHttpClient(undefined, 5_000, { keepAlive: true })
  t.after(() => keeping.close())
  const post = () => keeping.post(server.url('/form'), { ...form, signal: AbortSignal.timeout(5_000) })
  server.set('/form', json({}))
  assert.equal((await post()).ok, true)
  server.set('/form', reset)
  assert.deepEqual(await post(), {
    ok: false,
    result: 'connect',
    message: `${server.url('/form')}: failed with UND_ERR_SOCKET`,
    broken: true,
  })
  assert.equal(server.allHits(), 2)
  server.set('/form', status(500))
  assert.deepEqual(await post(), {
    ok: false,
    result: 'http',
    message: `${server.url('/form')}: answered 500`,
    status: 500,
    broken: false,
  })
})
