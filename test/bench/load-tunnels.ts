import { connect, type Socket } from 'node:net'
import type { Finished, Timed } from './load-process.ts'

/** Messages that are echoed, over tunnels that stay. */
export interface TunnelOrder {
  readonly port: number
  /** The whole handshake. */
  readonly head: string
  readonly connections: number
  /** Messages of all connections together; on each, one at a time. */
  readonly count: number
  /** Octets of a message, below 126. */
  readonly size: number
}

/** The load generator for WebSocket: one frame out, the same payload back (RFC 6455 section 5). */
const runTunnels = ({ port, head, connections, count, size }: TunnelOrder): Promise<Finished<Timed>> =>
  new Promise((resolve) => {
    // A text message, masked with zeros: a client must mask, and the mask is no secret here.
    const frame = Buffer.concat([Buffer.from([0x81, 0x80 | size, 0, 0, 0, 0]), Buffer.alloc(size, 'm')])
    const echoed = 2 + size
    const sockets: Socket[] = []
    let startedAt = 0
    let sent = 0
    let answered = 0
    let open = 0
    const finish = (fault: string | undefined): void => {
      for (const socket of sockets) {
        socket.removeAllListeners().on('error', () => undefined)
        socket.destroy()
      }
      resolve(
        fault === undefined ? { ok: true, seconds: (performance.now() - startedAt) / 1000 } : { ok: false, fault },
      )
    }
    const next = (socket: Socket): void => {
      if (sent === count) return
      sent++
      socket.write(frame)
    }
    const opened = (): void => {
      open++
      if (open < connections) return
      startedAt = performance.now()
      for (const socket of sockets) next(socket)
    }
    const onEcho = (socket: Socket): void => {
      answered++
      if (answered === count) finish(undefined)
      else next(socket)
    }
    for (let i = 0; i < connections; i++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => socket.write(head))
      sockets.push(socket)
      let handshake = ''
      let held = 0
      socket.on('data', (chunk) => {
        if (!handshake.includes('\r\n\r\n')) {
          handshake += chunk.toString('latin1')
          if (!handshake.includes('\r\n\r\n')) return
          if (handshake.startsWith('HTTP/1.1 101')) opened()
          else finish(`no tunnel: ${handshake.slice(0, 300)}`)
          return
        }
        held += chunk.length
        if (held < echoed) return
        held -= echoed
        onEcho(socket)
      })
      socket.on('error', ({ message }) => finish(message))
      socket.on('close', () => finish('a tunnel was closed'))
    }
  })

process.on('message', (order: TunnelOrder) => {
  runTunnels(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
