import assert from 'node:assert/strict'
import { test } from 'node:test'
import { errors } from 'undici'
import { refusalOf } from '../../src/upstream/failure.ts'
import { type Failed, placeAgain } from '../../src/upstream/retry.ts'

const withCode = (code: string): Error => Object.assign(new Error('x'), { code })
const refused = refusalOf(withCode('ECONNREFUSED'), false)
const lost = refusalOf(withCode('ECONNRESET'), true)

const get: Failed = { method: 'GET', hasBody: false, refusal: lost, sent: true, heard: false, reused: false }

test('HS-16: what was never sent may be sent elsewhere, whatever it is', () => {
  for (const method of ['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE', 'POST', 'PATCH', 'TRACE', 'LOCK', 'M-SEARCH']) {
    for (const hasBody of [false, true]) {
      for (const refusal of [
        refused,
        refusalOf(withCode('ENOENT'), false),
        refusalOf(withCode('EAI_AGAIN'), false),
        refusalOf(withCode('CERT_HAS_EXPIRED'), false),
        refusalOf(new errors.ConnectTimeoutError(), false),
        // Of a connection that waited for it: octets that nobody asked for, and a reset.
        refusalOf(new errors.HTTPParserError('x'), false),
        refusalOf(withCode('ECONNRESET'), false),
      ]) {
        const failed = { ...get, method, hasBody, refusal, sent: false }
        assert.equal(placeAgain(failed), 'elsewhere', `${method} ${JSON.stringify(refusal)}`)
        assert.equal(placeAgain({ ...failed, reused: true }), 'anew')
      }
    }
  }
})

test('HS-16: what was sent may be sent again only if it is idempotent and nothing came back before it was lost', () => {
  for (const [change, expected] of [
    [{}, 'elsewhere'],
    [{ method: 'HEAD' }, 'elsewhere'],
    [{ method: 'OPTIONS' }, 'elsewhere'],
    [{ method: 'PUT' }, 'elsewhere'],
    [{ method: 'DELETE' }, 'elsewhere'],
    [{ method: 'POST' }, undefined],
    [{ method: 'PATCH' }, undefined],
    [{ method: 'TRACE' }, undefined],
    [{ method: 'get' }, undefined],
    [{ method: '' }, undefined],
    [{ hasBody: true }, undefined],
    [{ method: 'PUT', hasBody: true }, undefined],
    [{ heard: true }, undefined],
  ] as const) {
    assert.equal(placeAgain({ ...get, ...change }), expected, JSON.stringify(change))
    const reused = placeAgain({ ...get, ...change, reused: true })
    assert.equal(reused, expected && 'anew', JSON.stringify(change))
  }
})

test('HS-16: an answer that was late or invalid is not asked for again', () => {
  for (const error of [
    new errors.HeadersTimeoutError(),
    new errors.BodyTimeoutError(),
    withCode('ETIMEDOUT'),
    new errors.HTTPParserError('x'),
    new errors.HeadersOverflowError(),
    new errors.ResponseContentLengthMismatchError(),
    withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'),
  ]) {
    const refusal = refusalOf(error, true)
    assert.equal(placeAgain({ ...get, refusal, reused: true }), undefined, JSON.stringify(refusal))
  }
})

test('HS-16: what is our own fault is not repeated', () => {
  for (const error of [new errors.InvalidArgumentError('x'), new errors.ClientDestroyedError(), withCode('EMFILE')]) {
    for (const sent of [false, true]) {
      assert.equal(placeAgain({ ...get, refusal: refusalOf(error, sent), sent, reused: true }), undefined)
    }
  }
})
