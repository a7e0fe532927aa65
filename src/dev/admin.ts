import type { IncomingMessage } from 'node:http'
import { isLoopback } from './listening.ts'

/**
 * Whether that request may command this development server. The peer must be on this machine; the `Host` must name
 * this machine too, so that a web page whose name was rebound to 127.0.0.1 cannot reach it; and there must be no
 * `Origin`, which browsers add to every POST, so that no web page at all can. There is no credential.
 */
export const mayCommand = (request: IncomingMessage): boolean =>
  isLoopback(request.socket.remoteAddress ?? '') &&
  isLocalHost(request.headers.host ?? '') &&
  request.headers.origin === undefined

const isLocalHost = (authority: string): boolean => {
  const host = authority.toLowerCase().replace(/:\d*$/, '')
  return host === 'localhost' || isLoopback(host.replace(/^\[(.*)\]$/, '$1'))
}
