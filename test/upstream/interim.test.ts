import assert from 'node:assert/strict'
import { test } from 'node:test'
import { interimAnswer } from '../../src/upstream/interim.ts'

test('HS-12: an interim answer keeps order, repetition and octets, also of a status that nobody knows', () => {
  assert.equal(
    interimAnswer(103, ['Link', '</a>; rel=preload', 'link', 'odd "', 'X-Obs', '\xe9\tx', 'X-Empty', '']),
    'HTTP/1.1 103 Early Hints\r\nLink: </a>; rel=preload\r\nlink: odd "\r\nX-Obs: \xe9\tx\r\nX-Empty: \r\n\r\n',
  )
  assert.equal(interimAnswer(102, []), 'HTTP/1.1 102 Processing\r\n\r\n')
  assert.equal(interimAnswer(199, ['A', '1']), 'HTTP/1.1 199 \r\nA: 1\r\n\r\n')
})

test('HS-12, HS-24: it frames no content, sets no cookie, and carries no line that could end it', () => {
  for (const [name, value] of [
    ['Content-Length', '5'],
    ['TRANSFER-ENCODING', 'chunked'],
    ['Trailer', 'X'],
    ['Set-Cookie', 'a=b'],
    ['X-Bad', 'a\r\nB: c'],
    ['X-Bad', 'a\0'],
    ['X-Bad', '\u010a'],
    ['X Bad', 'a'],
    ['X:Bad', 'a'],
    ['', 'a'],
  ] as const) {
    assert.equal(interimAnswer(103, ['A', '1', name, value]), 'HTTP/1.1 103 Early Hints\r\nA: 1\r\n\r\n', name)
  }
})
