import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { createServer as createTlsServer } from 'node:https'
import type { AddressInfo } from 'node:net'
import type { TestContext } from 'node:test'

export type Answer = (request: IncomingMessage, response: ServerResponse) => void

/** An authorization server that answers as it is told, and counts. Anything else than the paths given is 404. */
export interface KeyServer {
  readonly origin: string
  readonly url: (path: string) => string
  readonly set: (path: string, answer: Answer) => void
  readonly hits: (path: string) => number
  readonly allHits: () => number
  /** The fields of the last request, in lower case. */
  readonly lastHeaders: () => IncomingMessage['headers']
  readonly close: () => Promise<void>
}

export const startKeyServer = async (
  t: Pick<TestContext, 'after'>,
  tls?: { readonly key: string; readonly cert: string },
): Promise<KeyServer> => {
  const answers = new Map<string, Answer>()
  const hits = new Map<string, number>()
  let headers: IncomingMessage['headers'] = {}
  const listener: Answer = (request, response) => {
    const path = request.url ?? ''
    hits.set(path, (hits.get(path) ?? 0) + 1)
    headers = request.headers
    const answer = answers.get(path) ?? status(404)
    answer(request, response)
  }
  const server = tls === undefined ? createServer(listener) : createTlsServer({ ...tls }, listener)
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo
  const origin = `${tls === undefined ? 'http' : 'https'}://127.0.0.1:${port}`
  let closed: Promise<void> | undefined
  const close = () => {
    closed ??= new Promise<void>((resolve) => {
      server.close(() => resolve())
      server.closeAllConnections()
    })
    return closed
  }
  t.after(close)
  return {
    origin,
    url: (path) => origin + path,
    set: (path, answer) => answers.set(path, answer),
    hits: (path) => hits.get(path) ?? 0,
    allHits: () => [...hits.values()].reduce((sum, count) => sum + count, 0),
    lastHeaders: () => headers,
    close,
  }
}

export const json =
  (value: unknown, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': 'application/json', ...headers }).end(JSON.stringify(value))
  }

export const text =
  (body: string | Buffer, contentType = 'application/json'): Answer =>
  (_, response) => {
    response.writeHead(200, { 'content-type': contentType }).end(body)
  }

export const status =
  (code: number, headers: Record<string, string> = {}): Answer =>
  (_, response) => {
    response.writeHead(code, headers).end()
  }

/** Takes the request and never answers. */
export const silence: Answer = () => undefined

export const reset: Answer = (request) => {
  request.socket.destroy()
}

/** Sends without end, until the client has had enough. */
export const endless: Answer = (_, response) => {
  const chunk = Buffer.alloc(64 * 1024, ' ')
  const pour = (): void => {
    while (!response.destroyed && response.write(chunk));
  }
  response.on('drain', pour).on('error', () => undefined)
  response.writeHead(200, { 'content-type': 'application/json' })
  pour()
}
