import { createServer, type IncomingMessage, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { promisify } from 'node:util'
import { gzip } from 'node:zlib'
import { type AdminAnswer, type AdminDependencies, type Endpoint, endpointsOf, text } from './admin-endpoints.ts'
import { foreign } from './admin-origin.ts'
import { ListenError } from './listen-error.ts'

const compress = promisify(gzip)

export interface Admin {
  /** Rejects with a message for the operator when the address cannot be had. */
  listen(): Promise<AddressInfo>
  /** Ends open connections too: this listener closes last, and nobody waits for it. */
  close(): Promise<void>
}

/**
 * The operator's listener, contract section 6: health, metrics and what is configured. Without authentication: it is
 * for loopback or a pod's network. Paths are compared whole, there is nothing below or around them, and requests that a
 * browser makes for a foreign page are refused (see `admin-origin.ts`).
 */
export const createAdmin = ({ host, port }: { host: string; port: number }, deps: AdminDependencies): Admin => {
  const endpoints = endpointsOf(deps)
  let loopback = true

  const server = createServer(
    { requestTimeout: 10_000, headersTimeout: 5_000, connectionsCheckingInterval: 5_000, maxHeaderSize: 16_384 },
    (request, response) => {
      handle(request, response, endpoints, loopback).catch((error: unknown) => {
        deps.failed(error)
        if (response.headersSent) response.destroy()
        else send(request, response, text(500, 'internal'))
      })
    },
  )
  server.keepAliveTimeout = 30_000
  server.setTimeout(30_000)
  server.maxConnections = 256

  return {
    listen: () =>
      new Promise((resolve, reject) => {
        server.on('error', (error: NodeJS.ErrnoException) => reject(new ListenError('admin', host, port, error)))
        server.listen({ host: host.replace(/^\[(.*)\]$/, '$1'), port }, () => {
          const address = server.address() as AddressInfo // a TCP listener that listens has one
          loopback = isLoopback(address.address)
          resolve(address)
        })
      }),
    close: () =>
      new Promise((resolve) => {
        server.close(() => resolve())
        server.closeAllConnections()
      }),
  }
}

const handle = async (
  request: IncomingMessage,
  response: ServerResponse,
  endpoints: ReadonlyMap<string, Endpoint>,
  loopback: boolean,
): Promise<void> => {
  if (foreign(request.rawHeaders, loopback)) {
    send(request, response, text(403, 'foreign host or origin'))
    return
  }
  const [path = '', query] = (request.url ?? '').split('?', 2)
  const endpoint = endpoints.get(path)
  if (endpoint === undefined) {
    send(request, response, text(404, 'not found'))
    return
  }
  if (!endpoint.methods.includes(request.method ?? '')) {
    response.setHeader('Allow', endpoint.methods.join(', '))
    send(request, response, text(405, 'method not allowed'))
    return
  }
  const answer = await endpoint.answer(new URLSearchParams(query))
  if (path !== '/metrics') {
    send(request, response, answer)
    return
  }
  const encoded = acceptsGzip(request.headers['accept-encoding']) ? await compress(answer.body) : undefined
  response.setHeader('Vary', 'Accept-Encoding')
  if (encoded !== undefined) response.setHeader('Content-Encoding', 'gzip')
  send(request, response, answer, encoded)
}

const send = (request: IncomingMessage, response: ServerResponse, answer: AdminAnswer, encoded?: Buffer): void => {
  const body = encoded ?? Buffer.from(answer.body)
  const { 'content-length': length, 'transfer-encoding': coding } = request.headers
  // A body is never read here, and its connection never used again.
  if ((length !== undefined && length !== '0') || coding !== undefined) response.setHeader('Connection', 'close')
  response.writeHead(answer.status, {
    'Content-Type': answer.type,
    'Content-Length': body.length,
    'Cache-Control': 'no-store',
    'X-Content-Type-Options': 'nosniff',
  })
  response.end(request.method === 'HEAD' ? undefined : body)
}

const acceptsGzip = (field: string | undefined): boolean =>
  (field ?? '').split(',').some((coding) => /^\s*gzip\s*(?:;\s*q=(?!0(?:\.0*)?\s*$)[\d.]+\s*)?$/i.test(coding))

const isLoopback = (address: string): boolean => /^(?:::ffff:)?127\.|^::1$/i.test(address)
