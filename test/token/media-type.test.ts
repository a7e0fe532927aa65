import assert from 'node:assert/strict'
import { test } from 'node:test'
import { mediaType } from '../../src/token/media-type.ts'

test('AT-2: typ is compared as a media type: any case, application/ implied', () => {
  for (const spelling of ['at+jwt', 'AT+JWT', 'at+JWT', 'application/at+jwt', 'Application/At+Jwt']) {
    assert.equal(mediaType(spelling), 'application/at+jwt')
  }
})

test('AT-2: nothing else is folded together', () => {
  for (const other of [
    'at+jwt ',
    ' at+jwt',
    'at+jwt;a=b',
    'text/at+jwt',
    '/at+jwt',
    'at jwt',
    '\u212at+jwt',
    'a\u0442+jwt',
  ]) {
    assert.notEqual(mediaType(other), 'application/at+jwt', other)
  }
  assert.equal(mediaType('\u212ab+jwt'), 'application/\u212ab+jwt')
})
