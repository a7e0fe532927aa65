import assert from 'node:assert/strict'
import { test } from 'node:test'
import pino from 'pino'
import type { Refusal } from '../../src/decision/refusal.ts'
import type { RequestRecord } from '../../src/observe/record.ts'
import { levelOf, requestLine } from '../../src/observe/request-line.ts'
import { record } from '../support/records.ts'
import { refusals } from '../support/refusals.ts'

const TIME = '2026-01-02T03:04:05.678Z'
const line = (change: Partial<RequestRecord> = {}): string => requestLine(record(change), 'info', TIME, undefined)
const parse = (text: string): Record<string, unknown> => JSON.parse(text) as Record<string, unknown>

const FIELDS =
  'time level msg request_id method host path resource route status decision reason issuer client_id duration_ms ' +
  'upstream_ms bytes_in bytes_out remote_address'

test('Contract section 8: an allowed request has exactly the promised fields, in their order', () => {
  assert.deepEqual(parse(line()), {
    time: TIME,
    level: 'info',
    msg: 'request',
    request_id: '8b5ad3f8-a3cf-4ae7-a9c6-8b4c15e1b684',
    method: 'GET',
    host: 'api.example.com',
    path: '/orders/42',
    resource: 'orders',
    route: 'GET /{id}',
    status: 200,
    decision: 'allow',
    reason: 'none',
    issuer: 'main',
    client_id: 'cli',
    duration_ms: 12.5,
    upstream_ms: 10,
    bytes_in: 0,
    bytes_out: 1234,
    remote_address: '192.0.2.7',
  })
  assert.equal(Object.keys(parse(line())).join(' '), FIELDS)
})

test('The hand-written line says what pino would have written', () => {
  let written = ''
  const logger = pino({ base: null, timestamp: false }, { write: (text: string) => (written = text) })
  const { level, time, msg, ...fields } = parse(line({ path: '/quote"back\\slash', clientId: 'tab\there' }))
  logger.info(fields, 'request')
  assert.deepEqual({ ...parse(written), level, time, msg }, { ...fields, level, time, msg })
  assert.equal(fields.path, '/quote"back\\slash')
  assert.equal(fields.client_id, 'tab\there')
})

test('Contract section 8: a refused request carries the reason and the detail', () => {
  const told = parse(
    requestLine(
      record({ status: 401, decision: 'deny', refusal: refusals.audience_mismatch, forwardedAt: 0, upstreamHeadAt: 0 }),
      'info',
      TIME,
      'differs',
    ),
  )
  assert.equal(Object.keys(told).join(' '), `${FIELDS} detail`)
  assert.equal(told.reason, 'audience_mismatch')
  assert.equal(told.decision, 'deny')
  assert.equal(told.upstream_ms, null, 'nothing was sent to the upstream')
  assert.equal(told.detail, 'audience: expected https://api.test/orders, got https://api.test/billing (differs)')
})

test('A request that matched nothing is told under the words of the metrics', () => {
  const told = parse(line({ resource: undefined, route: undefined, issuer: '', clientId: '' }))
  assert.equal(told.resource, '_unmatched')
  assert.equal(told.route, '_unmatched')
  assert.equal(told.issuer, '')
})

test('H1-21: an exchange that broke off after its head is told apart from a complete one', () => {
  assert.equal(parse(line({ delivery: 'broken', brokenBy: 'upstream' })).detail, 'broken off by the upstream')
  assert.equal(parse(line({ delivery: 'broken' })).detail, 'broken off by the client or the upstream')
  const late = parse(
    line({ delivery: 'broken', brokenBy: 'upstream', refusal: { reason: 'upstream_timeout', phase: 'idle' } }),
  )
  assert.deepEqual([late.status, late.reason, late.decision], [200, 'upstream_timeout', 'allow'])
  assert.equal(late.detail, 'broken off by the upstream; upstream: expected progress within timeouts.idle, got none')
})

test('An upstream that never answered is told with the time that was waited', () => {
  assert.equal(parse(line({ upstreamHeadAt: 0, endedAt: 1030.5 })).upstream_ms, 30)
})

test('A duration that was never measured is null and not NaN', () => {
  assert.equal(parse(line({ endedAt: Number.NaN })).duration_ms, null)
})

const levels: readonly [Refusal | undefined, string][] = [
  [undefined, 'info'],
  [refusals.token_missing, 'info'],
  [refusals.audience_mismatch, 'info'],
  [refusals.proof_replayed, 'info'],
  [refusals.authentication_insufficient, 'info'],
  [refusals.token_inactive, 'info'],
  [refusals.keys_unavailable, 'warn'],
  [refusals.introspection_unavailable, 'warn'],
  [refusals.store_unavailable, 'warn'],
  [refusals.upstream_unreachable, 'warn'],
  [refusals.upstream_timeout, 'warn'],
  [refusals.internal, 'error'],
]
for (const [refusal, level] of levels) {
  test(`A request with reason ${refusal?.reason ?? 'none'} is logged at ${level}`, () => {
    assert.equal(levelOf(refusal), level)
  })
}

const hostile: readonly [name: string, text: string][] = [
  ['CR and LF', 'a\r\n{"level":1}'],
  ['NUL', 'a\0b'],
  ['ANSI escape', '\u001b[2J\u001b[31m'],
  ['8-bit CSI', 'a\u009b31m'],
  ['DEL', 'a\u007fb'],
  ['U+2028', 'a\u2028b'],
  ['U+2029', 'a\u2029b'],
  ['U+0085', 'a\u0085b'],
  ['JSON break-out', '","status":200,"x":"'],
  ['backslash before the quote', 'a\\'],
  ['bidirectional override', 'a\u202eb'],
  ['byte order mark', '\ufeffa'],
  ['emoji', '🎫'],
  ['high surrogate alone', 'a\ud800'],
  ['low surrogate alone', '\udfffa'],
  ['a megabyte', 'x'.repeat(1_000_000)],
  ['a megabyte of controls', '\u0001'.repeat(1_000_000)],
  ['a megabyte of emoji, cut in a pair', `x${'🎫'.repeat(500_000)}`],
]
const fields: readonly [name: string, (text: string) => Partial<RequestRecord>][] = [
  ['request_id', (requestId) => ({ requestId })],
  ['method', (method) => ({ method })],
  ['host', (host) => ({ host })],
  ['path', (path) => ({ path })],
  ['client_id', (clientId) => ({ clientId })],
  ['remote_address', (remoteAddress) => ({ remoteAddress })],
  ['detail', (got) => ({ refusal: { reason: 'issuer_untrusted', expected: ['https://a'], got, audience: [] } })],
]
for (const [what, text] of hostile) {
  test(`Attack 2.7 row 1: ${what} in any field leaves one bounded line of printable ASCII that parses`, () => {
    for (const [name, change] of fields) {
      const written = line(change(text))
      assert.match(written, /^[\x20-\x7e]+\n$/, name)
      assert.ok(written.length < 8192, `${name}: ${written.length}`)
      const told = parse(written)[name]
      assert.ok(typeof told === 'string' && told.isWellFormed(), name)
      assert.equal(
        Object.keys(parse(written))
          .filter((key) => key !== 'detail')
          .join(' '),
        FIELDS,
        name,
      )
      if (text.length < 100) assert.ok(told.includes(text.toWellFormed()), name)
    }
  })
}

test('A field that was cut says so', () => {
  assert.match(String(parse(line({ path: `/${'x'.repeat(5000)}` })).path), /^\/x{2047}\u2026$/)
})

test('BR-26: what looks like a token is in no field, whole or cut', () => {
  const jwt = 'eyJhbGciOiJSUzI1NiJ9.eyJzdWIiOiJjYW5hcnkifQ.c2lnbmF0dXJlLWNhbmFyeQ'
  const jwe = 'eyJhbGciOiJkaXIifQ..aXY.Y2lwaGVyLWNhbmFyeQ.dGFn'
  for (const token of [jwt, jwe]) {
    for (const [name, change] of fields) {
      for (const text of [token, `/verify/${token}/x`, `${'x'.repeat(2000)}${token}`]) {
        const written = line(change(text))
        for (const part of token
          .split('.')
          .slice(1)
          .filter((piece) => piece.length > 4)) {
          assert.ok(!written.includes(part.slice(0, 12)), `${name}: ${written}`)
        }
      }
    }
  }
})

test('BR-26: an ordinary path is not taken for a token', () => {
  const path = '/eyewitness-report.final.html/keys.monkey.eyelash'
  assert.equal(parse(line({ path })).path, path)
})
