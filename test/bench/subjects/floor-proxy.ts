import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import { type Dispatcher, Pool } from 'undici'

// The floor of this design: node:http in front, one undici Pool behind with Audgate's options, raw fields relayed as
// they are and bodies streamed with back-pressure. No checks, no fields of its own, no log, no metrics.
const [port = '', origin = ''] = process.argv.slice(2)

const pool = new Pool(origin, {
  connections: 128,
  pipelining: 1,
  connect: { timeout: 5000 },
  headersTimeout: 30_000,
  bodyTimeout: 300_000,
  maxHeaderSize: 64 * 1024,
})

const relay = (response: ServerResponse): Dispatcher.DispatchHandler => ({
  onRequestStart: () => undefined,
  onResponseStart: ({ rawHeaders }, status, _headers, statusText) => {
    response.writeHead(status, statusText ?? '', textsOf(rawHeaders))
  },
  onResponseData: (controller, chunk) => {
    if (response.write(chunk)) return
    controller.pause()
    response.once('drain', () => controller.resume())
  },
  onResponseEnd: () => {
    response.end()
  },
  onResponseError: () => {
    response.destroy()
  },
})

const textsOf = (raw: Dispatcher.DispatchController['rawHeaders']): string[] =>
  Array.isArray(raw)
    ? raw.map((part: Buffer | string) => (typeof part === 'string' ? part : part.toString('latin1')))
    : []

const hasBody = ({ headers }: IncomingMessage): boolean =>
  headers['transfer-encoding'] !== undefined || Number(headers['content-length'] ?? 0) > 0

createServer({ noDelay: true }, (request, response) => {
  const dispatch: Dispatcher.DispatchOptions = {
    method: request.method as Dispatcher.HttpMethod, // undici takes every method, its type names a few
    path: request.url ?? '/',
    headers: request.rawHeaders,
    body: hasBody(request) ? request : null,
  }
  pool.dispatch(dispatch, relay(response))
}).listen(Number(port), '127.0.0.1')
