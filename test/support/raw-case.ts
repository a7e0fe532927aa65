/** One raw request, as bytes, and what must come of it. */
export interface RawCase {
  /** With the requirement or attack that it stands for. */
  readonly name: string
  /**
   * The bytes, as latin1. `{path}` is a target of its own below the resource and `{auth}` a good `Authorization` line.
   */
  readonly bytes: string
  readonly status: number
  readonly reason: string
  /** Whether the connection must end with the answer, so that nothing behind it is a request. */
  readonly ends: boolean
  /** The fault lies in the content: of a request that came in pieces, the beginning is on its way by then. */
  readonly late: boolean
}

/** One raw request that is forwarded. */
export interface AcceptedCase {
  readonly name: string
  /** As in {@link RawCase}, but `{path}` is the part below the place of the resource. */
  readonly bytes: string
  /** The start line that the upstream sees. */
  readonly line: string
  /** Every field line of the client's that goes on, in order, behind the credential. */
  readonly fields: readonly string[]
  /** Content without its framing. */
  readonly body: string
  /** The field line that frames it, or two of which it may be either, with `|` between; `''`: none. */
  readonly framing: string
  /** Whether the client's connection ends with the answer. */
  readonly ends: boolean
}

/** The head of a request from its lines, the blank line, and the content. */
export const lines = (head: readonly string[], content = ''): string => `${head.join('\r\n')}\r\n\r\n${content}`

export const get = 'GET {path} HTTP/1.1'
export const post = 'POST {path} HTTP/1.1'
export const host = 'Host: gw.test'
export const malformed = 'request_malformed'

/** A message that is refused as such: nothing behind it is a request. */
export const bad = (name: string, bytes: string, status = 400, reason = malformed): RawCase => ({
  name,
  bytes,
  status,
  reason,
  ends: true,
  late: false,
})

/** A good message about something that is not to be had: the next one is answered. */
export const no = (name: string, bytes: string, status: number, reason: string): RawCase => ({
  name,
  bytes,
  status,
  reason,
  ends: false,
  late: false,
})

export const late = (one: RawCase): RawCase => ({ ...one, late: true })

export const withHost = (value: string): string => lines([get, `Host:${value}`, '{auth}'])
export const withTarget = (target: string): string => lines([`GET ${target} HTTP/1.1`, host, '{auth}'])
export const withField = (line: string): string => lines([get, host, '{auth}', line])
export const withLength = (line: string, content = 'hello'): string => lines([post, host, '{auth}', line], content)
export const withCoding = (line: string, content = '5\r\nhello\r\n0\r\n\r\n'): string =>
  lines([post, host, '{auth}', line], content)
export const withChunks = (content: string): string => withCoding('Transfer-Encoding: chunked', content)
