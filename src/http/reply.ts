import { type IncomingMessage, type ServerResponse, STATUS_CODES } from 'node:http'
import type { Answer } from '../decision/challenge.ts'
import type { Resource } from '../decision/resource.ts'

/** A whole answer of the gateway's own. */
export interface OwnAnswer {
  readonly status: number
  /** Field names and values in turn, without those of the entity. */
  readonly headers: readonly string[]
  /** `''` for an answer without content. */
  readonly contentType: string
  readonly cacheControl: string
  readonly body: string
}

/** A refusal as an entity: problem details that no cache may keep (CA-1, ER-6). */
export const refusalAnswer = ({ status, headers, body }: Answer, further: readonly string[] = []): OwnAnswer => ({
  status,
  headers: further.length === 0 ? headers : [...headers, ...further],
  contentType: 'application/problem+json',
  cacheControl: 'no-store',
  body: JSON.stringify(body),
})

/** RFC 9728 section 3.2; readable by browser clients of any origin (PR-15), and by caches (CA-5). */
export const metadataAnswer = (resource: Resource): OwnAnswer => ({
  status: 200,
  headers: ['Access-Control-Allow-Origin', '*'],
  contentType: 'application/json',
  cacheControl: 'public, max-age=3600',
  body: resource.metadata?.document ?? '',
})

/** What this path takes, said by the gateway in place of the upstream (RFC 9110 section 9.3.7, HS-6). */
export const optionsAnswer = (allow: readonly string[]): OwnAnswer => ({
  status: 200,
  headers: ['Allow', allow.join(', ')],
  contentType: '',
  cacheControl: 'no-store',
  body: '',
})

/** The same answer as bytes, for a message that never became a request: HTTP/1.1, and the connection ends (H1-25). */
export const rawAnswer = (answer: OwnAnswer, requestId: readonly [name: string, value: string]): Buffer => {
  const lines = [
    `HTTP/1.1 ${answer.status} ${STATUS_CODES[answer.status] ?? ''}`,
    `Content-Type: ${answer.contentType}`,
    `Content-Length: ${Buffer.byteLength(answer.body)}`,
    `Cache-Control: ${answer.cacheControl}`,
    `${requestId[0]}: ${requestId[1]}`,
    `Date: ${new Date().toUTCString()}`,
    'Connection: close',
  ]
  return Buffer.from(`${lines.join('\r\n')}\r\n\r\n${answer.body}`)
}

/** What is still to come of the request when it is answered. */
export interface Remainder {
  readonly hasBody: boolean
  /** Undefined: chunked. */
  readonly contentLength: number | undefined
  /** The client waits for 100 before it sends content; it never comes. */
  readonly expectsContinue: boolean
}

/**
 * Answers without the upstream. What is left of the request is never taken for the next one (H1-19): a short rest is
 * read and thrown away, and for a long one the connection ends, after a moment in which the client can read the answer.
 *
 * @param last end the connection in any case: after broken framing nothing on it can be believed
 * @returns bytes of the body that were written
 */
export const sendOwn = (
  request: IncomingMessage,
  response: ServerResponse,
  answer: OwnAnswer,
  requestId: readonly [name: string, value: string],
  remainder: Remainder,
  last: boolean,
): number => {
  const rest = remainder.hasBody && !request.complete
  const short = !remainder.expectsContinue && (remainder.contentLength ?? Number.POSITIVE_INFINITY) <= shortRest
  const closing = last || (rest && !short)
  if (closing) response.shouldKeepAlive = false
  const length = Buffer.byteLength(answer.body)
  // The phrase is said here, because that of an upstream's answer that was not good enough may still be set.
  response.writeHead(answer.status, STATUS_CODES[answer.status] ?? '', [
    ...(answer.contentType === '' ? [] : ['Content-Type', answer.contentType]),
    'Content-Length',
    String(length),
    'Cache-Control',
    answer.cacheControl,
    ...requestId,
    ...answer.headers,
  ])
  const body = request.method === 'HEAD' ? '' : answer.body
  const written = body === '' ? 0 : length
  if (rest && closing && !remainder.expectsContinue && body !== '') {
    // The client may still be sending: closing at once would reset the connection before it has read the answer.
    response.write(body)
    dropRest(request, () => response.end())
    return written
  }
  response.end(body)
  const { socket } = request
  if (rest && short) dropRest(request, (complete) => complete || socket.destroy())
  return written
}

/**
 * Asks for the content of a request with `Expect: 100-continue`, when its turn has come: behind an answer that is still
 * owed on the connection Node would hold the 100 back, and then write it behind the head of the answer, as content.
 */
export const askForContent = (response: ServerResponse): void => {
  if (response.socket) response.writeContinue()
  else response.once('socket', () => response.headersSent || response.writeContinue())
}

/** Bytes that are read and thrown away to keep a connection. */
const shortRest = 64 * 1024
/** For how long, and how much at the most, content is read that nobody wants. */
const dropMs = 2000
const dropBytes = 256 * 1024

/**
 * Reads what is left of the content and forgets it, within bounds of time and size; then says whether all of it came.
 * Beyond the size nothing more is read, but the time is the client's: to find that out, and to read its answer.
 */
export const dropRest = (request: IncomingMessage, over: (complete: boolean) => void): void => {
  let read = 0
  const finish = (): void => {
    clearTimeout(timer)
    request.off('data', onData).off('end', finish).off('close', finish)
    over(request.complete)
  }
  const onData = (chunk: Buffer): void => {
    read += chunk.length
    if (read > dropBytes) request.pause()
  }
  const timer = setTimeout(finish, dropMs)
  request.on('data', onData).once('end', finish).once('close', finish)
  // Not at once: who read it until now may stop it once more before letting go.
  setImmediate(() => request.resume())
}
