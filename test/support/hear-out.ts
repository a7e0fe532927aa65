import { connect } from 'node:net'

/** All that came on a connection, and how it ended: orderly, with a reset, or not within the time. */
export interface Heard {
  readonly text: string
  readonly end: 'closed' | 'reset' | 'open'
}

/** Sends a request that ends its connection, and hears it to the end. */
export const hearOut = (port: number, bytes: Buffer): Promise<Heard> =>
  new Promise((resolve) => {
    const socket = connect({ port, host: '127.0.0.1' })
    let text = ''
    const settle = (end: Heard['end']): void => {
      clearTimeout(timer)
      socket.destroy()
      resolve({ text, end })
    }
    const timer = setTimeout(() => settle('open'), 5000)
    socket.setEncoding('latin1')
    socket.on('connect', () => socket.write(bytes))
    socket.on('data', (chunk: string) => {
      text += chunk
    })
    socket.on('error', () => settle('reset'))
    socket.on('close', () => settle('closed'))
  })

/**
 * An answer as a client reads it to the end of its connection, without those that came before it as interim; `whole`: as
 * much came as was announced. Its fields are those that are not of this hop or the gateway's own; trailers stand behind
 * the content, each after a CRLF.
 *
 * @param head it is the answer to HEAD
 */
export const readAnswer = ({ text: all, end }: Heard, head: boolean) => {
  const text = all.replace(/^(?:HTTP\/1\.1 1\d\d [\s\S]*?\r\n\r\n)+/, '')
  const at = text.indexOf('\r\n\r\n')
  if (at < 0) return { line: '', fields: [], body: '', whole: false }
  const [line = '', ...fields] = text.slice(0, at).split('\r\n')
  const content = text.slice(at + 4)
  const value = (name: string): string | undefined =>
    fields.find((field) => field.toLowerCase().startsWith(`${name}: `))?.slice(name.length + 2)
  const bodiless = head || /^HTTP\/1\.1 (?:204|304)/.test(line)
  const told = { line, fields: fields.filter((field) => !/^(?:date|connection|keep-alive|x-request-id):/i.test(field)) }
  if (bodiless) return { ...told, body: content, whole: content === '' }
  if (value('transfer-encoding') === 'chunked') {
    const { body, whole } = unchunk(content)
    return { ...told, body, whole }
  }
  const length = value('content-length')
  if (length === undefined) return { ...told, body: content, whole: end === 'closed' }
  return { ...told, body: content, whole: content.length === Number(length) }
}

const unchunk = (content: string): { readonly body: string; readonly whole: boolean } => {
  let body = ''
  for (let rest = content; ; ) {
    const [, size = ''] = /^([0-9a-f]+)\r\n/.exec(rest) ?? []
    if (size === '') return { body, whole: false }
    const count = Number.parseInt(size, 16)
    const from = size.length + 2
    if (count === 0) {
      const [, trailers = '', more = ''] = /^((?:[^\r]+\r\n)*)\r\n([\s\S]*)$/.exec(rest.slice(from)) ?? []
      const fields = trailers === '' ? '' : `\r\n${trailers.slice(0, -2)}`
      return { body: body + fields, whole: more === '' && /^(?:[^\r]+\r\n)*\r\n$/.test(rest.slice(from)) }
    }
    body += rest.slice(from, from + count)
    rest = rest.slice(from + count + 2)
  }
}
