import { connect } from 'node:net'

/** What came back on a connection, as it came. */
export interface RawAnswer {
  readonly text: string
  /** Of the final answer, behind those that are interim; 0: none. */
  readonly status: number
  /** Whether the other side closed the connection (or reset it) before the time was over. */
  readonly closed: boolean
}

/**
 * Sends bytes and collects what comes back until the connection closes, `until` is satisfied, or `quietMs` pass without
 * a byte. Lines are given with `\n` and sent with CRLF.
 */
export const sendRaw = (
  port: number,
  bytes: string | Buffer,
  { until, quietMs = 1000 }: { until?: (text: string) => boolean; quietMs?: number } = {},
): Promise<RawAnswer> =>
  new Promise((resolve) => {
    const socket = connect(port, '127.0.0.1')
    let text = ''
    const settle = (closed: boolean): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, status: Number(/^HTTP\/1\.[01] (\d{3})/.exec(finalAnswer(text))?.[1] ?? 0), closed })
    }
    let timer = setTimeout(() => settle(false), quietMs)
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk: string) => {
      text += chunk
      clearTimeout(timer)
      timer = setTimeout(() => settle(false), quietMs)
      if (until?.(text)) settle(false)
    })
    socket.on('error', () => settle(true))
    socket.on('close', () => settle(true))
  })

/** A request head from lines; two CRLF at the end, then the content. */
export const requestBytes = (lines: readonly string[], content = ''): Buffer =>
  Buffer.from(`${lines.join('\r\n')}\r\n\r\n${content}`, 'latin1')

/** What stands behind the interim answers. */
export const finalAnswer = (text: string): string =>
  text.replace(/^(?:HTTP\/1\.1 1\d\d [^\r\n]*\r\n(?:[^\r\n]+\r\n)*\r\n)+/, '')

/** Satisfied when one whole final answer with a Content-Length has come. */
export const wholeAnswer = (all: string): boolean => {
  const text = finalAnswer(all)
  const head = text.indexOf('\r\n\r\n')
  if (head < 0) return false
  const length = /\r\ncontent-length: *(\d+)/i.exec(text.slice(0, head))?.[1]
  return length !== undefined && text.length >= head + 4 + Number(length)
}
