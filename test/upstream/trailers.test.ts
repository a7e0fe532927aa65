import assert from 'node:assert/strict'
import { test } from 'node:test'
import { announceTrailers, lastChunk } from '../../src/upstream/trailers.ts'

test('H1-18, H1-22: trailers are announced where the answer goes in chunks, and nowhere else', () => {
  for (const [httpVersionMinor, method, status, hasLength, announced] of [
    [1, 'GET', 200, false, true],
    [1, 'POST', 500, false, true],
    [0, 'GET', 200, false, false],
    [1, 'HEAD', 200, false, false],
    [1, 'GET', 204, false, false],
    [1, 'GET', 304, false, false],
    [1, 'GET', 200, true, false],
  ] as const) {
    const fields = ['Trailer', 'X-Sum', 'ETag', '"1"', 'trailer', 'X-Other']
    announceTrailers({ httpVersionMinor, method }, status, hasLength, fields)
    assert.equal(fields.length, announced ? 6 : 2, `${httpVersionMinor} ${method} ${status} ${hasLength}`)
  }
})

test('the last chunk carries the trailers in order; what has no chunks has no last one', () => {
  const trailers = [
    ['X-Sum', '1'],
    ['x-sum', '2'],
  ] as const
  assert.equal(lastChunk({ chunkedEncoding: true }, trailers), '0\r\nX-Sum: 1\r\nx-sum: 2\r\n\r\n')
  assert.equal(lastChunk({ chunkedEncoding: true }, []), '0\r\n\r\n')
  assert.equal(lastChunk({ chunkedEncoding: false }, trailers), '')
})
