import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors } from 'undici'
import { refusalOf } from '../../src/upstream/failure.ts'

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
    [withCode('EAI_AGAIN'), false, 'upstream_unreachable'],
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
  const phase = (error: Error): unknown => Reflect.get(refusalOf(error, true), 'phase')
  assert.equal(phase(new errors.ConnectTimeoutError()), 'connect')
  assert.equal(phase(withCode('ETIMEDOUT')), 'connect')
  assert.equal(phase(new errors.HeadersTimeoutError()), 'response')
  assert.equal(phase(new errors.BodyTimeoutError()), 'idle')
})
