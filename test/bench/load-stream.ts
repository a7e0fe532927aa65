import { connect } from 'node:net'
import type { Finished, Timed } from './load-process.ts'

/** One long body, in one direction. */
export interface StreamOrder {
  readonly port: number
  /** The whole request head. */
  readonly head: string
  /** Bytes of content to send behind it. */
  readonly sends: number
  /** Bytes of content that the answer must have. */
  readonly receives: number
}

/** The load generator for bodies: one connection; what comes is counted and thrown away. */
const runStream = ({ port, head, sends, receives }: StreamOrder): Promise<Finished<Timed>> =>
  new Promise((resolve) => {
    const startedAt = performance.now()
    let start = ''
    let content = -1
    const read = (size: number, bytes: Uint8Array): boolean => {
      if (content >= 0) content += size
      else {
        start += Buffer.from(bytes.buffer, bytes.byteOffset, size).toString('latin1')
        const end = start.indexOf('\r\n\r\n')
        if (end < 0) return true
        if (!start.startsWith('HTTP/1.1 200')) finish(`an answer was not 200: ${start.slice(0, 300)}`)
        content = start.length - end - 4
      }
      if (content < receives) return true
      finish(left > 0 ? 'it was answered before all content had gone' : undefined)
      return true
    }
    const socket = connect({ port, host: '127.0.0.1', onread: { buffer: Buffer.alloc(256 * 1024), callback: read } })
    const finish = (fault: string | undefined): void => {
      socket.removeAllListeners().on('error', () => undefined)
      socket.destroy()
      resolve(
        fault === undefined ? { ok: true, seconds: (performance.now() - startedAt) / 1000 } : { ok: false, fault },
      )
    }
    let left = sends
    const send = (): void => {
      while (left > 0) {
        const size = Math.min(left, piece.length)
        left -= size
        if (!socket.write(size === piece.length ? piece : piece.subarray(0, size))) return
      }
    }
    socket.once('connect', () => {
      socket.write(head)
      send()
    })
    socket.on('drain', send)
    socket.on('error', ({ message }) => finish(message))
    socket.on('close', () => finish('the connection was closed'))
  })

const piece = Buffer.alloc(256 * 1024, 'x')

process.on('message', (order: StreamOrder) => {
  runStream(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
