/** Follows the frames of one direction of a WebSocket (RFC 6455 section 5.2) without looking at what they carry. */
export interface FrameBoundary {
  /** The next octets of the stream; only those of frame headers are looked at. */
  readonly pass: (chunk: Uint8Array) => void
  /** Whether a control frame may stand here: behind a whole frame, and not behind a Close frame. */
  readonly open: () => boolean
}

/** Believes the lengths that it reads: what is no WebSocket leads it astray. */
export const createFrameBoundary = (): FrameBoundary => {
  // Octets of the header that came, and of the payload that are still to come.
  let seen = 0
  let rest = 0
  let size = 2
  // Of the header, without the mask.
  let extended = 2
  let length = 0
  let closed = false

  const header = (octet: number): void => {
    if (seen === 0) closed ||= (octet & 0x0f) === close
    else if (seen === 1) {
      const short = octet & 0x7f
      length = short < 126 ? short : 0
      extended = short < 126 ? 2 : short === 126 ? 4 : 10
      size = extended + (octet > 0x7f ? 4 : 0)
    } else if (seen < extended) length = length * 256 + octet
    seen++
    if (seen < size) return
    rest = length
    seen = 0
    size = 2
  }

  return {
    pass: (chunk) => {
      let at = 0
      while (at < chunk.length) {
        if (rest > 0) {
          const step = Math.min(rest, chunk.length - at)
          rest -= step
          at += step
        } else {
          header(chunk[at] ?? 0)
          at++
        }
      }
    },
    open: () => seen === 0 && rest === 0 && !closed,
  }
}

/** The opcode (RFC 6455 section 5.5.1). */
const close = 0x8
