import { get } from 'node:http'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Where an instance serves, and where it says whether it is ready. */
export interface Backend {
  readonly port: number
  readonly adminPort: number
}

export interface Balancer {
  readonly port: number
  /** Whether new connections go there. */
  isUp(backend: Backend): boolean
}

/**
 * A TCP balancer as they stand in front of a gateway: it asks `/readyz` of each backend every 50 ms, gives a connection
 * to the next one that is ready, tries another where it cannot connect, and carries bytes. Ends with the test.
 */
export const startBalancer = async (t: TestContext, backends: readonly Backend[]): Promise<Balancer> => {
  const up = new Set<Backend>()
  const sockets = new Set<Socket>()
  const probe = (backend: Backend): void => {
    const request = get({ port: backend.adminPort, host: '127.0.0.1', path: '/readyz', agent: false }, (response) => {
      response.resume()
      if (response.statusCode === 200) up.add(backend)
      else up.delete(backend)
    })
    request.on('error', () => up.delete(backend))
  }
  const probes = setInterval(() => backends.forEach(probe), 50)
  let turn = 0
  const carry = (client: Socket, tries: number): void => {
    const ready = backends.filter((backend) => up.has(backend))
    const backend = ready[turn++ % ready.length]
    if (client.destroyed) return
    if (!backend || tries === 0) {
      client.destroy()
      return
    }
    const server = connect({ port: backend.port, host: '127.0.0.1', allowHalfOpen: true, noDelay: true })
    sockets.add(server)
    server.on('close', () => sockets.delete(server))
    let connected = false
    server.on('connect', () => {
      connected = true
      client.pipe(server)
      server.pipe(client)
      client.on('close', () => server.destroy())
    })
    server.on('error', () => {
      if (!connected) return carry(client, tries - 1)
      client.resetAndDestroy()
    })
  }
  const listener = createServer({ allowHalfOpen: true, noDelay: true }, (client) => {
    sockets.add(client)
    client.on('close', () => sockets.delete(client))
    client.on('error', () => client.destroy())
    carry(client, 10)
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', resolve))
  t.after(() => {
    clearInterval(probes)
    listener.close()
    for (const socket of sockets) socket.destroy()
  })
  return { port: (listener.address() as AddressInfo).port, isUp: (backend) => up.has(backend) }
}
