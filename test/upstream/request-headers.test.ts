import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createRequestHeaders } from '../../src/upstream/request-headers.ts'

const hop = {
  forwardedFor: '1.2.3.4',
  forwarded: 'for=1.2.3.4',
  proto: 'http',
  host: 'gw.test',
  via: '1.1 audgate',
  requestId: 'id-1',
}
const own = [
  ...['X-Forwarded-For', '1.2.3.4', 'X-Forwarded-Proto', 'http', 'X-Forwarded-Host', 'gw.test'],
  ...['Forwarded', 'for=1.2.3.4', 'Via', '1.1 audgate', 'X-Request-Id', 'id-1'],
]
const build = createRequestHeaders('X-Request-Id', new Set(['x-auth-subject', 'x-request-id']))

const plain = {
  nominated: undefined,
  authority: 'up.test:3000',
  keepAuthorization: true,
  noStore: false,
  hop,
  trace: [],
  maxForwards: undefined,
  identity: [],
}

const sent = (raw: readonly string[], more: Partial<Parameters<typeof build>[0]> = {}): string[] =>
  build({ raw, ...plain, ...more })

const passing = (raw: readonly string[], more: Partial<Parameters<typeof build>[0]> = {}): string[] => {
  const all = sent(raw, more)
  assert.deepEqual(all.slice(0, 2), ['Host', 'up.test:3000'])
  assert.deepEqual(all.slice(all.length - own.length), own)
  return all.slice(2, all.length - own.length)
}

test('HS-14: what passes keeps its order, spelling and repetition', () => {
  const raw = ['X-A', '1', 'Accept', '*/*', 'x-a', '2', 'X-A', '1', 'Cookie', 'a', 'Content-Type', 'x/y']
  assert.deepEqual(passing(raw), raw)
})

test('HS-2, FW-1, FW-8, FW-9, UR-21: what only the gateway may say is dropped in every spelling', () => {
  const names = [
    ...[
      'Host',
      'Connection',
      'Keep-Alive',
      'Proxy-Connection',
      'TE',
      'Trailer',
      'Transfer-Encoding',
      'Upgrade',
      'Expect',
    ],
    ...['Proxy-Authorization', 'Proxy-Authenticate', 'HTTP2-Settings', 'Via', 'Forwarded', 'X-Forwarded-For'],
    ...['X-Forwarded-Anything', 'X-Real-IP', 'True-Client-IP', 'CF-Connecting-IP', 'X-Client-IP', 'Client-Cert'],
    ...['X-Original-URL', 'X-Rewrite-URL', 'X-HTTP-Method-Override', 'X-HTTP-Method', 'X-Method-Override'],
    ...['X-Auth-Subject', 'X-Request-Id', 'X_Auth_Subject', 'X.Auth.Subject', 'X_Anything', '__proto__', 'a b', ''],
  ]
  for (const name of names) {
    for (const spelling of [name, name.toLowerCase(), name.toUpperCase()]) {
      assert.deepEqual(passing([spelling, 'forged']), [], spelling)
      // The second time it is known by its spelling.
      assert.deepEqual(passing([spelling, 'forged']), [], spelling)
    }
  }
})

test('HS-1: nominated fields are dropped, and what the gateway adds is not among them', () => {
  assert.deepEqual(passing(['X-Hop', '1', 'x-hop', '2', 'X-B', '3'], { nominated: new Set(['x-hop', 'via']) }), [
    'X-B',
    '3',
  ])
})

test('BR-19, FW-8: the credential goes on only when it was verified and is wanted', () => {
  assert.deepEqual(passing(['aUTHORIZATION', 'Bearer  x']), ['aUTHORIZATION', 'Bearer  x'])
  assert.deepEqual(passing(['Authorization', 'Bearer x'], { keepAuthorization: false }), [])
})

test('TC-3, TC-4: no trace context goes on by itself, only what was found valid of it', () => {
  const raw = ['traceparent', 'x', 'TraceState', 'y', 'X-A', '1', 'TRACEPARENT', 'x']
  assert.deepEqual(passing(raw), ['X-A', '1'])
  const trace = ['traceparent', '00-1-2-03', 'tracestate', 'a=1']
  assert.deepEqual(sent(raw, { trace, nominated: new Set(['traceparent']) }).slice(-4), trace)
})

test('HS-6: `Max-Forwards` is what is left of it, in its place, where it counts; elsewhere it passes', () => {
  const raw = ['X-A', '1', 'max-Forwards', '5', 'X-B', '2']
  assert.deepEqual(passing(raw, { maxForwards: 4 }), ['X-A', '1', 'max-Forwards', '4', 'X-B', '2'])
  assert.deepEqual(passing(raw, { maxForwards: 0 })[3], '0')
  assert.deepEqual(passing(raw), raw)
  assert.deepEqual(passing(['X-A', '1']), ['X-A', '1'])
})

test('CA-3: where the credential does not go on, caches behind the gateway are told to keep nothing', () => {
  const unstored = (...raw: readonly string[]): string[] => {
    const all = sent(raw, { keepAuthorization: false, noStore: true })
    assert.deepEqual(all.slice(all.length - own.length), own)
    return all.slice(2, all.length - own.length)
  }
  assert.deepEqual(unstored('Authorization', 'Bearer x', 'X-A', '1'), ['X-A', '1', 'Cache-Control', 'no-store'])
  assert.deepEqual(
    unstored('Cache-Control', 'only-if-cached, max-age=0', 'Pragma', 'no-cache', 'cache-control', 'max-stale=60'),
    ['Pragma', 'no-cache', 'Cache-Control', 'no-store, max-age=0'],
  )
  const nominated = new Set(['cache-control'])
  assert.ok(sent([], { noStore: true, nominated }).includes('no-store'))
  const raw = ['Cache-Control', 'only-if-cached', 'Cache-Control', 'max-stale']
  assert.deepEqual(passing(raw), raw)
})

test('HS-13, HS-28, WS-14: what is end-to-end or unknown passes, `Early-Data` and signatures among it', () => {
  const raw = [
    ...['Early-Data', '1', 'X-Anything', 'x', 'Mcp-Param-A', 'x', 'Content-Digest', 'sha-256=:AA==:', 'baggage', 'a=1'],
    ...['Signature-Input', 's=("@method")', 'Signature', 's=:AA==:', 'Priority', 'u=1', 'Prefer', 'x', 'Pragma', 'x'],
  ]
  assert.deepEqual(passing(raw), raw)
})

test('FW-8: identity comes last', () => {
  const identity = ['X-Auth-Subject', 'alice']
  assert.deepEqual(sent([], { identity }).slice(-2), identity)
})

test('a stranger who makes up names fills no memory that changes a verdict', () => {
  const build = createRequestHeaders('X-Request-Id', new Set(['x-auth-subject']))
  const call = (name: string): string[] => build({ raw: [name, 'v'], ...plain })
  for (let i = 0; i < 5000; i++) assert.ok(call(`X-N${i}`).includes(`X-N${i}`))
  assert.ok(!call('X-AUTH-subject').includes('v'))
  assert.ok(!call('X_y').includes('v'))
})
