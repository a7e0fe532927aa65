import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Socket } from 'node:net'

/**
 * Relays one interim answer, in its place before the final one (RFC 9110 section 15.2, HS-12).
 *
 * @param fields names and values in turn, cleaned like those of an answer
 * @returns false: there were too many of them, or they said too much
 */
export type RelayInterim = (status: number, fields: readonly string[]) => boolean

/** For the time before the head of the answer is written; a client of HTTP/1.0 gets none. */
export const createRelayInterim = (request: IncomingMessage, response: ServerResponse): RelayInterim => {
  let count = 0
  let size = 0
  let held = ''
  const tell = (socket: Socket): void => {
    if (socket.writable) socket.write(held, 'latin1')
    held = ''
  }
  return (status, fields) => {
    const text = interimAnswer(status, fields)
    count++
    size += text.length
    if (count > countAtMost || size > sizeAtMost) return false
    if (request.httpVersionMinor === 0) return true
    // Behind an answer that is still owed on the connection it waits: Node says when the turn has come, and that before
    // it writes what was held of this answer. (`writeEarlyHints` would put it behind our head then, as content.)
    if (held === '' && !response.socket) response.once('socket', tell)
    held += text
    if (response.socket) tell(response.socket)
    return true
  }
}

/** Each gives the upstream its time anew, and nobody has to read them: not for ever (attacks 2.5 row 5). */
const countAtMost = 32
const sizeAtMost = 64 * 1024

/**
 * 102, 103, or one that is not invented yet, in latin1, so that obs-text stays what it was (HS-15). It is a hint about
 * an answer that may come out otherwise (RFC 8297 section 2). So it carries nothing that frames content, which it does
 * not have (HS-24), and no cookie: that could not be taken back. A line that we would not send in an answer is left out.
 */
export const interimAnswer = (status: number, fields: readonly string[]): string => {
  let text = `HTTP/1.1 ${status} ${STATUS_CODES[status] ?? ''}\r\n`
  for (let i = 0; i + 1 < fields.length; i += 2) {
    const name = fields[i] ?? ''
    const value = fields[i + 1] ?? ''
    if (!fieldName.test(name) || !fieldValue.test(value) || withheld.has(name.toLowerCase())) continue
    text += `${name}: ${value}\r\n`
  }
  return `${text}\r\n`
}

const withheld: ReadonlySet<string> = new Set(['content-length', 'set-cookie', 'trailer', 'transfer-encoding'])

const fieldName = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
const fieldValue = /^[\t\x20-\x7e\x80-\xff]*$/
