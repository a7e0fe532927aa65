import assert from 'node:assert/strict'
import { test } from 'node:test'
import { closeFrame } from '../../src/upstream/close-frame.ts'

test('RFC 6455 5.5.1: a Close frame to a client is bare, one to a server is masked', () => {
  assert.deepEqual([...closeFrame(1001)], [0x88, 2, 0x03, 0xe9])
  assert.deepEqual([...closeFrame(1008)], [0x88, 2, 0x03, 0xf0])
  assert.deepEqual(
    [...closeFrame(1008, Uint8Array.of(0x11, 0xff, 0x33, 0x44))],
    [0x88, 0x82, 0x11, 0xff, 0x33, 0x44, 0x12, 0x0f],
  )
})
