import type { Readable } from 'node:stream'

/** Hands on what comes in lines that are whole; the beginning of a line that its writer did not live to end is dropped. */
export const wholeLines = (stream: Readable, lines: (text: string) => void): void => {
  let rest = ''
  stream.setEncoding('latin1')
  stream.on('data', (chunk: string) => {
    const end = chunk.lastIndexOf('\n') + 1
    if (end === 0) {
      rest += chunk
      return
    }
    lines(rest + chunk.slice(0, end))
    rest = chunk.slice(end)
  })
}
