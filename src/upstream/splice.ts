import { randomBytes } from 'node:crypto'
import type { Socket } from 'node:net'
import { type CloseCode, closeFrame } from './close-frame.ts'
import { createFrameBoundary, type FrameBoundary } from './frame-boundary.ts'

/** Two connections made one. */
export interface Splice {
  /** Whether an octet has moved since the last time this was asked. */
  readonly moved: () => boolean
  /** Ends it in an orderly way, with a Close frame to each side that is between two frames; then cuts it. */
  readonly end: (code: CloseCode) => void
}

/** What a splice tells of its course. */
export interface SpliceEvents {
  readonly onBytes: (direction: 'in' | 'out', count: number) => void
  /** Both connections are closed; `broken`: who of them did not end it, but broke it off. */
  readonly onEnd: (broken: 'client' | 'upstream' | undefined) => void
}

/**
 * Passes octets on in both directions, each no faster than the other side takes them. When one side ends or breaks, the
 * other gets what is left, and is ended too (WS-11, RFC 9110 section 9.3.6).
 *
 * @param head what the client sent before its connection came here
 */
export const splice = (client: Socket, upstream: Socket, head: Buffer, { onBytes, onEnd }: SpliceEvents): Splice => {
  let phase: 'open' | 'closing' | 'over' = 'open'
  let active = false
  let left = 2
  let broken: 'client' | 'upstream' | undefined
  let timer: NodeJS.Timeout | undefined

  const cut = (): void => {
    client.destroy()
    upstream.destroy()
  }
  const cutSoon = (): void => {
    if (phase !== 'over') timer ??= setTimeout(cut, graceMs).unref()
  }
  const join = (
    name: 'client' | 'upstream',
    from: Socket,
    to: Socket,
    boundary: FrameBoundary,
    first: Buffer,
  ): void => {
    const direction = name === 'client' ? 'in' : 'out'
    from.setTimeout(0)
    const pass = (chunk: Buffer): void => {
      // Once it was ended, whatever still comes for it is thrown away.
      if (!to.writable) return
      active = true
      boundary.pass(chunk)
      onBytes(direction, chunk.length)
      if (!to.write(chunk)) from.pause()
    }
    from.on('data', pass)
    to.on('drain', () => from.resume())
    from.on('end', () => {
      if (phase === 'open') phase = 'closing'
      to.end(cutSoon)
    })
    // `close` follows.
    from.on('error', () => undefined)
    from.on('close', () => {
      left--
      if (left === 0) {
        phase = 'over'
        clearTimeout(timer)
        return onEnd(broken)
      }
      if (phase === 'open') {
        phase = 'closing'
        broken = name
      }
      to.end(cutSoon)
      // Nothing that it says has anywhere to go; what is read is its end.
      to.resume()
    })
    if (first.length > 0) pass(first)
  }

  const inward = createFrameBoundary()
  const outward = createFrameBoundary()
  join('client', client, upstream, inward, head)
  join('upstream', upstream, client, outward, nothing)

  const say = (to: Socket, boundary: FrameBoundary, frame: Buffer): void => {
    if (boundary.open() && to.writable) to.write(frame)
    to.end()
  }
  return {
    moved: () => {
      const was = active
      active = false
      return was
    },
    end: (code) => {
      if (phase !== 'open') return cut()
      phase = 'closing'
      say(client, outward, closeFrame(code))
      say(upstream, inward, closeFrame(code, randomBytes(4)))
      cutSoon()
    },
  }
}

const nothing = Buffer.alloc(0)

/** For how long the other side of an ended one may take to end too. */
const graceMs = 1000
