import type { TestContext } from 'node:test'
import { startGateway } from './gateway.ts'
import { issuerYaml } from './orders.ts'
import { startRawUpstream } from './upstream.ts'

/** What an upstream says to one request, and what it does then. */
export interface Misbehaviour {
  /** Latin1. */
  readonly bytes: string
  /** What it does when it has said that; `silent` keeps the connection. */
  readonly after: 'silent' | 'end' | 'reset'
  /** Said 100 ms later. */
  readonly later: string
  /** Said on the first connection before any request came. */
  readonly first: string
}

/** An upstream that misbehaves when it is told to; to every other request it answers with the path that was asked for. */
const startOnce = (t: TestContext, { bytes, after, later, first }: Misbehaviour) => {
  let sockets = 0
  return startRawUpstream(t, (socket) => {
    if (sockets++ === 0 && first !== '') socket.write(first, 'latin1')
    let heard = ''
    socket.on('data', (chunk) => {
      heard += chunk.toString('latin1')
      const [whole, target] = /^[A-Z]+ (\S+) HTTP\/1\.1\r\n[\s\S]*?\r\n\r\n/.exec(heard) ?? []
      if (whole === undefined || target === undefined) return
      heard = heard.slice(whole.length)
      if (target !== '/once') {
        socket.write(`HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`)
        return
      }
      const finish = (): void => {
        if (after === 'end') socket.end()
        if (after === 'reset') socket.resetAndDestroy()
      }
      socket.write(bytes, 'latin1', () => (after === 'reset' ? setTimeout(finish, 20) : finish()))
      if (later !== '') setTimeout(() => socket.write(later, 'latin1'), 100)
    })
  })
}

/**
 * A gateway with a public resource for each case (`/0`, `/1` …), each with an upstream of its own and one connection to it.
 * An upstream misbehaves when it is asked for `/once`.
 *
 * @returns the port of the gateway
 */
export const startMisbehaving = async (t: TestContext, cases: readonly Misbehaviour[]): Promise<number> => {
  const timeouts = { response: '600ms', idle: '600ms' }
  const entries = await Promise.all(
    cases.map(async (one, index) => {
      const { url } = await startOnce(t, one)
      const routes = { '/**': 'public' }
      const place = { resource: `https://api.test/${index}`, at: `/${index}` }
      return [url, { ...place, routes, timeouts, pool: { connections: 1 }, retries: 0 }] as const
    }),
  )
  const { port } = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(Object.fromEntries(entries))}`)
  return port
}
