import assert from 'node:assert/strict'
import { once } from 'node:events'
import { PassThrough } from 'node:stream'
import { test } from 'node:test'
import { wholeLines } from '../../src/workers/whole-lines.ts'

const heard = async (...chunks: readonly string[]): Promise<readonly string[]> => {
  const stream = new PassThrough()
  const lines: string[] = []
  wholeLines(stream, (text) => lines.push(text))
  for (const chunk of chunks) {
    stream.write(chunk, 'latin1')
    await new Promise(setImmediate)
  }
  stream.end()
  await once(stream, 'end')
  return lines
}

test('lines are handed on whole, however they come', async () => {
  assert.deepEqual(await heard('one\ntwo\n'), ['one\ntwo\n'])
  assert.deepEqual(await heard('on', 'e', '\ntw', 'o\n'), ['one\n', 'two\n'])
  assert.deepEqual(await heard('one\ntwo\nthr', 'ee\n'), ['one\ntwo\n', 'three\n'])
  const long = 'x'.repeat(200_000)
  assert.deepEqual(await heard(long.slice(0, 100_000), `${long.slice(100_000)}\ny`, '\n'), [`${long}\n`, 'y\n'])
})

test('half a line whose writer did not live to end it is dropped', async () => {
  assert.deepEqual(await heard('one\ntw'), ['one\n'])
  assert.deepEqual(await heard('tw'), [])
})

test('octets stay what they are', async () => {
  const octets = Buffer.from('é\n').toString('latin1')
  assert.deepEqual(await heard(octets), [octets])
})
