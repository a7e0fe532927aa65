import assert from 'node:assert/strict'
import { once } from 'node:events'
import { createServer } from 'node:http'
import { type AddressInfo, connect } from 'node:net'
import { type TestContext, test } from 'node:test'
import { gunzipSync } from 'node:zlib'
import { createAdmin } from '../../src/http/admin.ts'
import type { AdminDependencies } from '../../src/http/admin-endpoints.ts'
import { ListenError } from '../../src/http/listen-error.ts'

const calm: AdminDependencies = {
  started: () => true,
  ready: () => ({ ok: true, reasons: [], issuers: [{ name: 'main', state: 'fresh' }] }),
  drain: () => {},
  metrics: { expose: async () => 'audgate_ready 1\n', contentType: 'text/plain; version=0.0.4; charset=utf-8' },
  routes: () => [{ resource: 'orders' }],
  issuers: () => ({ main: { state: 'fresh' } }),
  config: () => ({ listen: {} }),
  failed: () => {},
}

const listen = async (t: TestContext, deps: Partial<AdminDependencies> = {}, host = '127.0.0.1') => {
  const admin = createAdmin({ host, port: 0 }, { ...calm, ...deps })
  const { port } = await admin.listen()
  t.after(() => admin.close())
  return port
}

interface Reply {
  readonly status: number
  readonly head: string
  readonly body: Buffer
}

/** Sends these lines as a whole request and reads until the server ends; `<host>` stands for the right host. */
const exchange = async (port: number, ...lines: readonly string[]): Promise<Reply> => {
  const socket = connect(port, '127.0.0.1')
  const text = [...lines, 'Connection: close', '', ''].join('\r\n').replaceAll('<host>', `127.0.0.1:${port}`)
  socket.write(text)
  const chunks: Buffer[] = []
  socket.on('data', (chunk) => chunks.push(chunk))
  await once(socket, 'close')
  const all = Buffer.concat(chunks)
  const cut = all.indexOf('\r\n\r\n')
  const head = all.subarray(0, cut === -1 ? all.length : cut).toString()
  return { status: Number(head.split(' ')[1] ?? 0), head, body: all.subarray(cut + 4) }
}
const get = (port: number, target: string, ...fields: readonly string[]): Promise<Reply> =>
  exchange(port, `GET ${target} HTTP/1.1`, 'Host: <host>', ...fields)

const bodies: readonly [target: string, type: string, body: string][] = [
  ['/livez', 'text/plain; charset=utf-8', 'ok\n'],
  ['/startupz', 'text/plain; charset=utf-8', 'ok\n'],
  ['/readyz', 'text/plain; charset=utf-8', 'ready\n'],
  ['/healthz', 'text/plain; charset=utf-8', 'ready\n'],
  ['/readyz?verbose', 'text/plain; charset=utf-8', 'ready\nissuer main: keys fresh\n'],
  ['/healthz?verbose=1', 'text/plain; charset=utf-8', 'ready\nissuer main: keys fresh\n'],
  ['/drain', 'text/plain; charset=utf-8', 'draining\n'],
  ['/metrics', 'text/plain; version=0.0.4; charset=utf-8', 'audgate_ready 1\n'],
  ['/routes', 'application/json', '[\n  {\n    "resource": "orders"\n  }\n]\n'],
  ['/issuers', 'application/json', '{\n  "main": {\n    "state": "fresh"\n  }\n}\n'],
  ['/config', 'application/json', '{\n  "listen": {}\n}\n'],
]
for (const [target, type, body] of bodies) {
  test(`Contract section 6: GET ${target} answers 200 and is never stored`, async (t) => {
    const reply = await get(await listen(t), target)
    assert.equal(reply.status, 200)
    assert.equal(reply.body.toString(), body)
    assert.ok(reply.head.includes(`\r\nContent-Type: ${type}\r\n`), reply.head)
    assert.ok(reply.head.includes('\r\nCache-Control: no-store\r\n'), reply.head)
  })
}

test('HEAD has the head of GET and no body', async (t) => {
  const port = await listen(t)
  const reply = await exchange(port, 'HEAD /metrics HTTP/1.1', 'Host: <host>')
  assert.equal(reply.status, 200)
  assert.match(reply.head, /Content-Length: 16\b/)
  assert.equal(reply.body.length, 0)
})

for (const target of [
  '/',
  '/livez/',
  '/livez/x',
  '/config/../config',
  '/config/%2e%2e/metrics',
  '//livez',
  '/LIVEZ',
  '/%6civez',
  '/livez;x',
  '/livez%3fverbose',
  '/__proto__',
  '/constructor',
  'http://127.0.0.1/livez',
  '*',
]) {
  test(`Attack 1.3 (Caddy admin): ${target} is not found`, async (t) => {
    assert.equal((await get(await listen(t), target)).status, 404)
  })
}

for (const [method, target, allow] of [
  ['POST', '/livez', 'GET, HEAD'],
  ['DELETE', '/metrics', 'GET, HEAD'],
  ['PUT', '/config', 'GET, HEAD'],
  ['OPTIONS', '/routes', 'GET, HEAD'],
  ['HEAD', '/drain', 'GET, POST'],
  ['PUT', '/drain', 'GET, POST'],
] as const) {
  test(`${method} ${target} is 405 with Allow`, async (t) => {
    let drained = false
    const port = await listen(t, { drain: () => (drained = true) })
    const reply = await exchange(port, `${method} ${target} HTTP/1.1`, 'Host: <host>')
    assert.equal(reply.status, 405)
    assert.ok(reply.head.includes(`\r\nAllow: ${allow}\r\n`), reply.head)
    assert.equal(drained, false)
  })
}

for (const method of ['GET', 'POST']) {
  test(`Operations 4.1: ${method} /drain drains, and readiness stays`, async (t) => {
    let drained = 0
    const port = await listen(t, { drain: () => drained++ })
    assert.equal((await exchange(port, `${method} /drain HTTP/1.1`, 'Host: <host>', 'Content-Length: 0')).status, 200)
    assert.equal(drained, 1)
    assert.equal((await get(port, '/readyz')).status, 200)
  })
}

test('Operations 4.1: before the listeners are bound it is alive, not started and not ready', async (t) => {
  const port = await listen(t, { started: () => false })
  assert.equal((await get(port, '/livez')).status, 200)
  assert.equal((await get(port, '/startupz')).status, 503)
  const ready = await get(port, '/readyz')
  assert.equal(ready.status, 503)
  assert.equal(ready.body.toString(), 'not ready\nstarting\n')
})

test('Operations 4.1: not ready says why, without being asked; alive and started all the same', async (t) => {
  const port = await listen(t, {
    ready: () => ({ ok: false, reasons: ['issuer main: no keys yet'], issuers: [{ name: 'main', state: 'cold' }] }),
  })
  for (const target of ['/readyz', '/healthz']) {
    const reply = await get(port, target)
    assert.equal(reply.status, 503)
    assert.equal(reply.body.toString(), 'not ready\nissuer main: no keys yet\n')
  }
  assert.match((await get(port, '/readyz?verbose')).body.toString(), /\nissuer main: keys cold\n$/)
  assert.equal((await get(port, '/livez')).status, 200)
  assert.equal((await get(port, '/startupz')).status, 200)
})

const encodings: readonly [accept: string, gzipped: boolean][] = [
  ['gzip', true],
  ['deflate, gzip;q=0.5', true],
  ['GZIP', true],
  ['gzip;q=0', false],
  ['gzip; q=0.0', false],
  ['br', false],
  ['x-gzip', false],
  ['identity', false],
]
for (const [accept, gzipped] of encodings) {
  test(`/metrics with Accept-Encoding: ${accept} is ${gzipped ? '' : 'not '}compressed`, async (t) => {
    const reply = await get(await listen(t), '/metrics', `Accept-Encoding: ${accept}`)
    assert.equal(/\r\nContent-Encoding: gzip\r\n/.test(reply.head), gzipped)
    assert.equal((gzipped ? gunzipSync(reply.body) : reply.body).toString(), 'audgate_ready 1\n')
    assert.match(reply.head, /\r\nVary: Accept-Encoding\r\n/)
  })
}

const requests: readonly [what: string, fields: readonly string[], status: number][] = [
  ['its own address', ['Host: <host>'], 200],
  ['localhost', ['Host: localhost:9090'], 200],
  ['localhost in capitals without a port', ['Host: LOCALHOST'], 200],
  ['the IPv6 loopback', ['Host: [::1]:9090'], 200],
  ['another loopback address', ['Host: 127.8.9.1'], 200],
  ['a rebound name', ['Host: evil.example:9090'], 403],
  ['a name that begins like loopback', ['Host: 127.0.0.1.evil.example'], 403],
  ['a name that begins like localhost', ['Host: localhost.evil.example'], 403],
  ['a name that ends in localhost', ['Host: evil-localhost'], 403],
  ['userinfo before the host', ['Host: evil@localhost'], 403],
  ['a list', ['Host: localhost, evil.example'], 403],
  ['an empty one', ['Host:'], 403],
  ['another address', ['Host: 192.0.2.1'], 403],
  ['two fields, the first good', ['Host: <host>', 'Host: evil.example'], 403],
  ['two fields, the last good', ['Host: evil.example', 'Host: <host>'], 403],
  ['two equal fields', ['Host: <host>', 'host: <host>'], 403],
  ['its own origin', ['Host: <host>', 'Origin: http://<host>'], 200],
  ['a foreign origin', ['Host: <host>', 'Origin: http://evil.example'], 403],
  ['an opaque origin', ['Host: <host>', 'Origin: null'], 403],
  ['an origin on another port', ['Host: <host>', 'Origin: http://127.0.0.1:1'], 403],
  ['an origin with another scheme', ['Host: <host>', 'Origin: https://<host>'], 403],
  ['its own origin and a foreign one', ['Host: <host>', 'Origin: http://<host>', 'Origin: http://evil.example'], 403],
  ['a page elsewhere embedding it', ['Host: <host>', 'Sec-Fetch-Site: cross-site'], 403],
  ['a page on another port embedding it', ['Host: <host>', 'Sec-Fetch-Site: same-site'], 403],
  ['the address bar', ['Host: <host>', 'Sec-Fetch-Site: none'], 200],
  ['a field named __proto__', ['Host: <host>', '__proto__: x'], 200],
]
for (const [what, fields, status] of requests) {
  test(`Attack 2.7 row 7, DNS rebinding: with ${what} the loopback listener answers ${status}`, async (t) => {
    let drained = false
    const port = await listen(t, { drain: () => (drained = true) })
    const reply = await exchange(port, 'GET /drain HTTP/1.1', ...fields)
    assert.equal(reply.status, status, reply.head)
    assert.equal(drained, status === 200)
  })
}

test('On an address that is not loopback any one host is fine: the kubelet sends the address of the pod', async (t) => {
  const port = await listen(t, {}, '0.0.0.0')
  assert.equal((await exchange(port, 'GET /livez HTTP/1.1', 'Host: 10.1.2.3:9090')).status, 200)
  assert.equal((await exchange(port, 'GET /livez HTTP/1.1', 'Host: audgate.default.svc')).status, 200)
  const foreign = await exchange(port, 'GET /livez HTTP/1.1', 'Host: audgate.svc', 'Origin: http://evil.example')
  assert.equal(foreign.status, 403)
})

test('ER: what an endpoint throws is told to the operator and not to the client', async (t) => {
  const failures: unknown[] = []
  const boom = new Error('at /secret/place')
  const port = await listen(t, {
    metrics: { ...calm.metrics, expose: () => Promise.reject(boom) },
    config: () => {
      throw boom
    },
    failed: (error) => failures.push(error),
  })
  for (const target of ['/metrics', '/config']) {
    const reply = await get(port, target, 'Accept-Encoding: gzip')
    assert.equal(reply.status, 500)
    assert.equal(reply.body.toString(), 'internal\n')
  }
  assert.deepEqual(failures, [boom, boom])
})

test('A connection whose request had a body is not used again', async (t) => {
  const port = await listen(t)
  const socket = connect(port, '127.0.0.1')
  t.after(() => socket.destroy())
  socket.write(`POST /drain HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\nContent-Length: 5\r\n\r\nabcde`)
  const [chunk] = (await once(socket, 'data')) as [Buffer]
  assert.match(chunk.toString(), /^HTTP\/1\.1 200 .*\r\nConnection: close\r\n/s)
  await once(socket, 'close')
})

test('A taken port is a clear error', async (t) => {
  const other = createServer()
  await once(other.listen(0, '127.0.0.1'), 'listening')
  t.after(() => other.close())
  const { port } = other.address() as AddressInfo
  await assert.rejects(createAdmin({ host: '127.0.0.1', port }, calm).listen(), (error) => {
    assert.ok(error instanceof ListenError)
    assert.equal(
      error.message,
      `cannot listen on 127.0.0.1:${port} (config key admin): the port is taken by another process`,
    )
    return true
  })
})

test('Closing ends connections, also those whose answer is not ready', async () => {
  let asked = (): void => {}
  const arrived = new Promise<void>((resolve) => {
    asked = resolve
  })
  const never = (): Promise<string> => {
    asked()
    return new Promise(() => {})
  }
  const admin = createAdmin({ host: '127.0.0.1', port: 0 }, { ...calm, metrics: { ...calm.metrics, expose: never } })
  const { port } = await admin.listen()
  const socket = connect(port, '127.0.0.1').on('error', () => {})
  socket.write(`GET /metrics HTTP/1.1\r\nHost: 127.0.0.1:${port}\r\n\r\n`)
  await arrived
  const closed = once(socket, 'close')
  await admin.close()
  await closed
})
