import { connect } from 'node:net'
import type { RawAnswer } from './raw-http.ts'

/** Up to here each octet goes alone; a longer message goes in pieces that end anywhere. */
const alone = 3000
const piece = 1021

/**
 * Sends a message octet by octet, each of which the other side reads by itself (attacks.md 2.4 row 7), and collects what
 * comes back until the connection closes or `quietMs` pass without a byte.
 *
 * @param whole a text that goes in one piece: a credential is long, and no parser looks into it
 */
export const sendInPieces = (port: number, bytes: Buffer, whole: string, quietMs = 2000): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1', noDelay: true })
    const pieces = cut(bytes, whole)
    let text = ''
    let over = false
    const settle = (closed: boolean): void => {
      over = true
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(text)?.[1] ?? 0), closed })
    }
    let timer = setTimeout(() => settle(false), quietMs)
    const next = (index: number): void => {
      const one = pieces[index]
      if (one === undefined || over) return
      clearTimeout(timer)
      timer = setTimeout(() => settle(false), quietMs)
      // Two turns of the event loop: one in which it is sent, one in which it is read.
      socket.write(one, () => setImmediate(() => next(index + 1)))
    }
    socket.setEncoding('latin1')
    socket.on('connect', () => next(0))
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => settle(true))
    socket.on('close', () => settle(true))
  })

const cut = (bytes: Buffer, whole: string): readonly Buffer[] => {
  const pieces: Buffer[] = []
  const at = whole === '' ? -1 : bytes.indexOf(whole, 0, 'latin1')
  const step = bytes.length - (at < 0 ? 0 : whole.length) > alone ? piece : 1
  for (let from = 0; from < bytes.length; ) {
    const inside = at >= 0 && from >= at && from < at + whole.length
    const to = inside ? at + whole.length : at > from ? Math.min(from + step, at) : from + step
    pieces.push(bytes.subarray(from, to))
    from = to
  }
  return pieces
}
