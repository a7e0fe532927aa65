import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parseList, Token } from 'structured-headers'
import { errors } from 'undici'
import { refusalTable } from '../../src/decision/challenge.ts'
import type { Refusal } from '../../src/decision/refusal.ts'
import { type ProxyError, proxyStatus } from '../../src/http/proxy-status.ts'
import { refusalOf } from '../../src/upstream/failure.ts'
import { everyRefusal } from '../support/refusals.ts'

/** The one member of the field, read by a library of structured fields. */
const read = (field: string) => {
  const [member, ...others] = parseList(field)
  assert.ok(member)
  assert.deepEqual(others, [])
  const [name, parameters] = member
  return { name, parameters: Object.fromEntries(parameters as Map<string, unknown>) }
}

const typeOf = (refusal: Refusal): string => {
  const { name, parameters } = read(proxyStatus('edge-1', refusal))
  assert.ok(name instanceof Token)
  assert.equal(name.toString(), 'edge-1')
  assert.deepEqual(Object.keys(parameters), ['error'])
  assert.ok(parameters.error instanceof Token)
  return parameters.error.toString()
}

test('ER-2, ER-4: of every refusal it says our name and the type of the error, and nothing else', () => {
  for (const refusal of everyRefusal) {
    assert.match(typeOf(refusal), /^[a-z_]+$/)
    const secret = Object.assign({}, refusal, { fault: '10.1.2.3 secret', issuer: 'secret', got: 'secret' })
    assert.doesNotMatch(proxyStatus('edge-1', secret), /secret|10\./)
  }
})

test('ER-1: what the client got wrong, what a policy denies, and what is ours', () => {
  for (const refusal of everyRefusal) {
    if (refusal.reason.startsWith('upstream_')) continue
    const { status } = refusalTable[refusal.reason]
    const expected: readonly ProxyError[] =
      status === 401 || status === 403
        ? ['http_request_denied']
        : status < 500
          ? ['http_request_error']
          : status === 501 || status === 505
            ? ['proxy_internal_response']
            : ['proxy_internal_error']
    assert.deepEqual([typeOf(refusal)], expected, refusal.reason)
  }
  assert.equal(typeOf({ reason: 'upstream_loop' }), 'proxy_loop_detected')
  assert.equal(typeOf({ reason: 'upstream_overloaded' }), 'connection_limit_reached')
})

const withCode = (code: string): Error => Object.assign(new Error('of a peer'), { code })

test('ER-1: each fault of an upstream has its type', () => {
  const rows: readonly (readonly [error: Error, left: boolean, type: ProxyError])[] = [
    [withCode('ENOTFOUND'), false, 'dns_error'],
    [withCode('EAI_FAIL'), false, 'dns_error'],
    [withCode('ECONNREFUSED'), false, 'connection_refused'],
    [withCode('EHOSTUNREACH'), false, 'destination_ip_unroutable'],
    [withCode('ENETUNREACH'), false, 'destination_ip_unroutable'],
    [new errors.ConnectTimeoutError(), false, 'connection_timeout'],
    [withCode('ETIMEDOUT'), false, 'connection_timeout'],
    [withCode('CERT_HAS_EXPIRED'), false, 'tls_certificate_error'],
    [withCode('DEPTH_ZERO_SELF_SIGNED_CERT'), false, 'tls_certificate_error'],
    [withCode('SELF_SIGNED_CERT_IN_CHAIN'), false, 'tls_certificate_error'],
    [withCode('UNABLE_TO_VERIFY_LEAF_SIGNATURE'), false, 'tls_certificate_error'],
    [withCode('UNABLE_TO_GET_ISSUER_CERT_LOCALLY'), false, 'tls_certificate_error'],
    [withCode('ERR_TLS_CERT_ALTNAME_INVALID'), false, 'tls_certificate_error'],
    [withCode('INVALID_PURPOSE'), false, 'tls_certificate_error'],
    [withCode('EPROTO'), false, 'tls_protocol_error'],
    [withCode('ERR_SSL_WRONG_VERSION_NUMBER'), false, 'tls_protocol_error'],
    [withCode('ERR_SSL_PACKET_LENGTH_TOO_LONG'), false, 'tls_protocol_error'],
    [withCode('ERR_SSL_TLSV13_ALERT_CERTIFICATE_REQUIRED'), true, 'tls_alert_received'],
    [withCode('ERR_SSL_SSL/TLS_ALERT_HANDSHAKE_FAILURE'), false, 'tls_alert_received'],
    [withCode('ECONNRESET'), false, 'connection_terminated'],
    [withCode('ECONNRESET'), true, 'connection_terminated'],
    [new errors.SocketError('other side closed'), true, 'connection_terminated'],
    [new errors.HeadersTimeoutError(), true, 'http_response_timeout'],
    [new errors.BodyTimeoutError(), true, 'connection_read_timeout'],
    [new errors.HeadersOverflowError(), true, 'http_response_header_section_size'],
    [new errors.ResponseContentLengthMismatchError(), true, 'http_response_incomplete'],
    [new errors.HTTPParserError('x'), true, 'http_protocol_error'],
    [new Error('x'), true, 'http_protocol_error'],
    [new Error('x'), false, 'destination_unavailable'],
  ]
  for (const [error, left, type] of rows) {
    assert.equal(typeOf(refusalOf(error, left)), type, `${error.name} ${Reflect.get(error, 'code')} ${left}`)
  }
  assert.equal(typeOf({ reason: 'upstream_invalid', fault: 'upgrade: 101 without a key' }), 'http_upgrade_failed')
  assert.equal(
    typeOf({ reason: 'upstream_unreachable', fault: 'no replica that is healthy' }),
    'destination_unavailable',
  )
})

test('ER-2: a name that is no token is a string', () => {
  for (const name of ['edge', '*', 'Edge-1.example:443/a', 'a', "a!#$%&'*+.^_`|~"]) {
    const read = parseList(proxyStatus(name, { reason: 'internal' }))[0]?.[0]
    assert.ok(read instanceof Token, name)
    assert.equal(read.toString(), name)
  }
  for (const name of ['1', 'edge one', 'a"b\\c', '', '-', 'a;b', 'a,b', '(a)']) {
    assert.equal(read(proxyStatus(name, { reason: 'internal' })).name, name)
  }
})
