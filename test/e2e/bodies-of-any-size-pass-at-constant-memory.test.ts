import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readFileSync } from 'node:fs'
import { connect, type Socket } from 'node:net'
import { test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { requestBytes } from '../support/raw-http.ts'
import { startRawUpstream } from '../support/upstream.ts'

const mebibyte = 2 ** 20
const gibibyte = 2 ** 30
/** Ten gibibytes each way take three quarters of a minute on two cores: in CI, not whenever somebody runs the tests. */
const whole = process.env.AUDGATE_TEST_REQUIRE_ALL === '1' ? 10 * gibibyte : gibibyte
/** By then, each way, V8 has the heap and the buffers that it works with. */
const warm = whole / 4

const piece = Buffer.alloc(256 * 1024, 0x61)
const read = Buffer.alloc(256 * 1024)

/** Writes that many octets, as fast as the other side takes them. */
const pour = (socket: Socket, octets: number): void => {
  let left = octets
  const on = (): void => {
    while (left > 0) {
      const size = Math.min(left, piece.length)
      left -= size
      if (!socket.write(size === piece.length ? piece : piece.subarray(0, size))) return
    }
  }
  socket.on('drain', on)
  on()
}

/** What a process has in use, in MiB. */
const memoryOf = (pid: number | undefined): number =>
  Number(/^VmRSS:\s+(\d+) kB$/m.exec(readFileSync(`/proc/${pid}/status`, 'utf8'))?.[1]) / 1024

/**
 * What it has in use while something runs, in the second half of that: half of the time it is less than `usual`. Between
 * two collections there may be more for a moment, as V8 sees fit.
 */
const memoryWhile = async (pid: number | undefined, run: () => Promise<unknown>) => {
  const seen: number[] = []
  const timer = setInterval(() => seen.push(memoryOf(pid)), 20)
  await run()
  clearInterval(timer)
  const later = seen.slice(seen.length >> 1).sort((one, other) => one - other)
  return { usual: later[later.length >> 1] ?? Number.NaN, most: later.at(-1) ?? Number.NaN }
}

/** Octets of content behind the head of what one side of a connection hears. */
const contentCounter = (): ((octets: Uint8Array, size: number) => number) => {
  let head = ''
  let content = -1
  return (octets, size) => {
    if (content >= 0) content += size
    else {
      head += Buffer.from(octets.buffer, octets.byteOffset, size).toString('latin1')
      const end = head.indexOf('\r\n\r\n')
      if (end >= 0) content = head.length - end - 4
    }
    return content
  }
}

test('constant memory: however long a body is, in either direction, memory does not grow with it', async (t) => {
  if (process.platform !== 'linux') return t.skip('only Linux tells how much memory a process had at the most')
  let size = warm
  const upstream = await startRawUpstream(t, (socket) => {
    const count = contentCounter()
    let begun = false
    socket.on('data', (chunk) => {
      const content = count(chunk, chunk.length)
      if (!begun && chunk.toString('latin1', 0, 4) === 'GET ') {
        socket.write(`HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: ${size}\r\n\r\n`)
        pour(socket, size)
      } else if (content >= size) socket.write('HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nok')
      begun = true
    })
  })
  const file = temporaryFile(
    t,
    'audgate.yaml',
    `listen: 127.0.0.1:0\nadmin: false\n${issuerYaml()}upstreams:\n  ${upstream.url}: { resource: ${ORDERS}, at: /orders }\n`,
  )
  const audgate = startAudgate(t, ['serve', '--config', file])
  const [, port] = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  /** One body, and its answer whole; in seconds. */
  const pass = (direction: 'down' | 'up'): Promise<number> =>
    new Promise((resolve, reject) => {
      const count = contentCounter()
      const began = performance.now()
      const expected = direction === 'down' ? size : 2
      const socket = connect({
        port: Number(port),
        host: '127.0.0.1',
        onread: {
          buffer: read,
          callback: (octets, bytes) => {
            if (bytes.length >= 0 && count(bytes, octets) >= expected) {
              socket.destroy()
              resolve((performance.now() - began) / 1000)
            }
            return true
          },
        },
      })
      t.after(() => socket.destroy())
      socket.on('error', reject)
      socket.on('close', () => reject(new Error(`it ended early: ${direction}`)))
      const lines = [
        `${direction === 'down' ? 'GET' : 'PUT'} /orders/1 HTTP/1.1`,
        'Host: a',
        `Authorization: Bearer ${liveToken()}`,
      ]
      if (direction === 'down') socket.write(requestBytes(lines))
      else {
        socket.write(requestBytes([...lines, `Content-Length: ${size}`]))
        pour(socket, size)
      }
    })
  const { pid } = audgate.child
  await pass('down')
  await pass('up')
  const first = { down: await memoryWhile(pid, () => pass('down')), up: await memoryWhile(pid, () => pass('up')) }
  size = whole
  for (const direction of ['down', 'up'] as const) {
    const before = first[direction]
    let seconds = Number.NaN
    const { usual, most } = await memoryWhile(pid, async () => {
      seconds = await pass(direction)
    })
    t.diagnostic(
      `${direction}: ${whole / gibibyte} GiB in ${seconds.toFixed(1)} s, ${(whole / mebibyte / seconds).toFixed(0)} MiB/s; usual ${usual.toFixed(0)} MiB after ${before.usual.toFixed(0)}, most ${most.toFixed(0)} after ${before.most.toFixed(0)}`,
    )
    // One octet in two hundred that stayed would be more.
    assert.ok(usual - before.usual < 48, `${direction}: from ${before.usual} to ${usual} MiB`)
    assert.ok(most - before.most < 96, `${direction}: from ${before.most} to ${most} MiB at the most`)
  }
  audgate.child.kill('SIGTERM')
  await once(audgate.child, 'close')
  return undefined
})
