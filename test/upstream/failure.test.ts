import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors } from 'undici'
import { faultOf, isLost, refusalOf } from '../../src/upstream/failure.ts'

const withCode = (code: string): Error => Object.assign(new Error('secret text of a peer'), { code })

test('ER-1: every error has a refusal by its code, and no text of a peer is in it', () => {
  const rows: readonly (readonly [error: unknown, left: boolean, reason: string])[] = [
    [new errors.ConnectTimeoutError('secret'), false, 'upstream_timeout'],
    [new errors.HeadersTimeoutError('secret'), true, 'upstream_timeout'],
    [new errors.BodyTimeoutError('secret'), true, 'upstream_timeout'],
    [new errors.HeadersOverflowError('secret'), true, 'upstream_invalid'],
    [new errors.ResponseContentLengthMismatchError('secret'), true, 'upstream_invalid'],
    [new errors.HTTPParserError('secret'), true, 'upstream_invalid'],
    [new errors.SocketError('secret'), true, 'upstream_invalid'],
    [withCode('ECONNRESET'), true, 'upstream_invalid'],
    [withCode('EPIPE'), true, 'upstream_invalid'],
    [withCode('ECONNREFUSED'), false, 'upstream_unreachable'],
    [withCode('ENOTFOUND'), false, 'upstream_unreachable'],
    [withCode('EAI_AGAIN'), false, 'upstream_timeout'],
    [withCode('ENOENT'), false, 'upstream_unreachable'],
    [withCode('EHOSTUNREACH'), false, 'upstream_unreachable'],
    [withCode('EHOSTUNREACH'), true, 'upstream_invalid'],
    // In the TLS handshake, or of a connection that waited: there was none for this request.
    [withCode('ECONNRESET'), false, 'upstream_unreachable'],
    [new errors.SocketError('secret'), false, 'upstream_unreachable'],
    [new errors.HTTPParserError('secret'), false, 'upstream_invalid'],
    [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), false, 'upstream_unreachable'],
    [withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), true, 'upstream_unreachable'],
    [withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), false, 'upstream_unreachable'],
    [withCode('EMFILE'), false, 'internal'],
    [new errors.ClientDestroyedError('secret'), true, 'internal'],
    [new errors.RequestAbortedError('secret'), true, 'internal'],
    [withCode('CERT_HAS_EXPIRED'), false, 'upstream_unreachable'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), false, 'upstream_unreachable'],
    [new Error('secret', { cause: withCode('ECONNREFUSED') }), false, 'upstream_unreachable'],
    [new Error('secret'), true, 'upstream_invalid'],
    [new Error('secret'), false, 'upstream_unreachable'],
    ['secret', false, 'upstream_unreachable'],
    [new errors.InvalidArgumentError('secret'), false, 'internal'],
    [new errors.RequestContentLengthMismatchError('secret'), true, 'internal'],
  ]
  for (const [error, left, reason] of rows) {
    const refusal = refusalOf(error, left)
    assert.equal(refusal.reason, reason, String(error))
    assert.doesNotMatch(JSON.stringify(refusal), /secret/)
  }
})

test('ER-1: a timeout tells which one', () => {
  const phase = (error: Error, left = true): unknown => Reflect.get(refusalOf(error, left), 'phase')
  assert.equal(phase(new errors.ConnectTimeoutError()), 'connect')
  assert.equal(phase(withCode('ETIMEDOUT'), false), 'connect')
  assert.equal(phase(withCode('ETIMEDOUT')), 'response')
  assert.equal(phase(withCode('EAI_AGAIN'), false), 'connect')
  assert.equal(phase(new errors.HeadersTimeoutError()), 'response')
  assert.equal(phase(new errors.BodyTimeoutError()), 'idle')
})

test('ER-1: the fault is the word of the platform, for RFC 9209 to be made of it', () => {
  for (const [error, left, fault] of [
    [withCode('ECONNREFUSED'), false, 'ECONNREFUSED'],
    [withCode('ENOTFOUND'), false, 'ENOTFOUND'],
    [withCode('CERT_HAS_EXPIRED'), false, 'CERT_HAS_EXPIRED'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), false, 'ERR_TLS_CERT_ALTNAME_INVALID'],
    [new errors.HeadersOverflowError(), true, 'UND_ERR_HEADERS_OVERFLOW'],
    [new Error('secret'), true, 'unknown'],
  ] as const) {
    assert.equal(Reflect.get(refusalOf(error, left), 'fault'), fault)
    assert.equal(faultOf(error), fault)
  }
  assert.equal(faultOf(new errors.HTTPParserError('secret')), 'not an HTTP/1.1 message')
})

test('HS-16: a lost connection is told from an answer that was late or invalid', () => {
  for (const code of ['UND_ERR_SOCKET', 'ECONNRESET', 'ECONNABORTED', 'EPIPE', 'ENETDOWN', 'EHOSTUNREACH']) {
    assert.ok(isLost(refusalOf(withCode(code), true)), code)
    assert.ok(!isLost(refusalOf(withCode(code), false)), code)
  }
  for (const code of ['ETIMEDOUT', 'UND_ERR_HEADERS_TIMEOUT', 'UND_ERR_HEADERS_OVERFLOW', 'E_WHATEVER']) {
    assert.ok(!isLost(refusalOf(withCode(code), true)), code)
  }
})
