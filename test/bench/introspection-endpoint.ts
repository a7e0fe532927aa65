import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import { introspectionAnswer } from './requests.ts'

export interface IntrospectionEndpoint {
  readonly url: string
  /** How often it was asked so far. */
  readonly asked: () => number
  stop(): void
}

/** The issuer's introspection endpoint (RFC 7662), in the bench's own process: what is measured asks it once. */
export const startIntrospection = async (): Promise<IntrospectionEndpoint> => {
  let asked = 0
  const server = createServer((request, response) => {
    asked++
    request.resume().once('end', () => {
      response.setHeader('Content-Type', 'application/json')
      response.end(JSON.stringify(introspectionAnswer()))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const { port } = server.address() as AddressInfo // TCP, so there is an address and a port
  return {
    url: `http://127.0.0.1:${port}/introspect`,
    asked: () => asked,
    stop: () => {
      server.close()
      server.closeAllConnections()
    },
  }
}
