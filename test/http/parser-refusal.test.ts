import assert from 'node:assert/strict'
import { test } from 'node:test'
import { parserRefusal } from '../../src/http/parser-refusal.ts'

const limits = { headerSize: 16384, targetSize: 8192 }

const fault = (code: string, rawPacket?: string): Error =>
  Object.assign(new Error('what Node says'), {
    code,
    ...(rawPacket && { rawPacket: Buffer.from(rawPacket, 'latin1') }),
  })

test('what the parser found is a refusal by its code, and what it is named is never shown', () => {
  for (const [code, refusal] of [
    ['ERR_HTTP_REQUEST_TIMEOUT', { reason: 'request_timeout' }],
    ['HPE_INVALID_METHOD', { reason: 'method_not_implemented' }],
    ['HPE_INVALID_VERSION', { reason: 'version_unsupported' }],
    ['HPE_HEADER_OVERFLOW', { reason: 'header_too_large', limit: 16384 }],
    ['HPE_INVALID_HEADER_TOKEN', { reason: 'request_malformed', fault: 'HPE_INVALID_HEADER_TOKEN' }],
  ] as const) {
    assert.deepEqual(parserRefusal(fault(code), limits), refusal)
  }
  assert.deepEqual(parserRefusal(new Error('x'), limits), { reason: 'request_malformed', fault: 'not an HTTP message' })
})

test('H1-5: a first line that does not end is a target that is too long; anything else is the header', () => {
  const long = 'a'.repeat(30_000)
  for (const [packet, reason] of [
    [`GET /${long}`, 'target_too_long'],
    [`\r\nM-SEARCH /${long}`, 'target_too_long'],
    [`GET / HTTP/1.1\r\nX: ${long}`, 'header_too_large'],
    [`GET /${long} HTTP/1.1\r\nX: ${long}`, 'header_too_large'],
    [long, 'header_too_large'],
    [`X: ${long}`, 'header_too_large'],
    ['', 'header_too_large'],
  ] as const) {
    assert.equal(parserRefusal(fault('HPE_HEADER_OVERFLOW', packet), limits).reason, reason, packet.slice(0, 30))
  }
  const unlimited = { ...limits, targetSize: 0 }
  assert.equal(parserRefusal(fault('HPE_HEADER_OVERFLOW', `GET /${long}`), unlimited).reason, 'header_too_large')
})
