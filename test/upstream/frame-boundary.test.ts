import assert from 'node:assert/strict'
import { test } from 'node:test'
import fc from 'fast-check'
import { createFrameBoundary } from '../../src/upstream/frame-boundary.ts'
import { frame } from '../support/websocket.ts'

const sizes = [0, 1, 125, 126, 127, 65_535, 65_536, 70_000]
const anyFrame = fc.record({
  opcode: fc.constantFrom(0, 1, 2, 9, 10),
  size: fc.oneof(fc.constantFrom(...sizes), fc.nat(300)),
  masked: fc.boolean(),
  final: fc.boolean(),
})

/** Cuts octets at these places. */
const cutAt = (bytes: Buffer, places: readonly number[]): readonly Buffer[] => {
  const cuts = [...new Set(places.map((place) => place % (bytes.length + 1)))].sort((a, b) => a - b)
  return [0, ...cuts].map((from, i) => bytes.subarray(from, cuts[i] ?? bytes.length))
}

test('a control frame may stand behind each whole frame and nowhere else, however the stream is cut', () => {
  fc.assert(
    fc.property(fc.array(anyFrame, { maxLength: 6 }), fc.array(fc.nat(), { maxLength: 12 }), (frames, places) => {
      const all = frames.map(({ opcode, size, ...how }) => frame(opcode, Buffer.alloc(size), how))
      const ends = new Set([0])
      let total = 0
      for (const { length } of all) {
        total += length
        ends.add(total)
      }
      const boundary = createFrameBoundary()
      let passed = 0
      for (const chunk of cutAt(Buffer.concat(all), places)) {
        boundary.pass(chunk)
        passed += chunk.length
        assert.equal(boundary.open(), ends.has(passed), `${passed} of ${[...ends]}`)
      }
    }),
    { numRuns: 300 },
  )
})

test('one octet at a time says the same', () => {
  for (const size of sizes) {
    for (const masked of [false, true]) {
      const bytes = frame(2, Buffer.alloc(size, 0xff), { masked })
      const boundary = createFrameBoundary()
      bytes.forEach((octet, i) => {
        boundary.pass(Uint8Array.of(octet))
        assert.equal(boundary.open(), i === bytes.length - 1, `${size} at ${i}`)
      })
    }
  }
})

test('RFC 6455 5.5.1: behind a Close frame there is no other', () => {
  const boundary = createFrameBoundary()
  boundary.pass(frame(1, 'a'))
  assert.ok(boundary.open())
  boundary.pass(frame(8, ''))
  assert.ok(!boundary.open())
  boundary.pass(frame(1, 'a'))
  assert.ok(!boundary.open())
})
