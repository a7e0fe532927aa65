import { connect, type Socket } from 'node:net'
import type { Finished } from './load-process.ts'
import { quantile } from './table.ts'

/** Requests that come when they come, whether the last one was answered or not. */
export interface PacedOrder {
  readonly port: number
  readonly request: string
  /** Requests a second. */
  readonly rate: number
  readonly seconds: number
  readonly connections: number
}

/** Microseconds from the moment a request was due to the last octet of its answer. */
export interface PacedResult {
  readonly p50: number
  readonly p99: number
}

/**
 * The load generator with a rate of its own (open loop): what is due in a millisecond is sent in that millisecond. A
 * request that finds no free connection waits for one, and its wait counts.
 */
const runPaced = ({ port, request, rate, seconds, connections }: PacedOrder): Promise<Finished<PacedResult>> =>
  new Promise((resolve) => {
    const bytes = Buffer.from(request, 'latin1')
    const total = Math.round(rate * seconds)
    const took: number[] = []
    const waiting: number[] = []
    const free: Socket[] = []
    const sockets: Socket[] = []
    let due = 0
    let timer: NodeJS.Timeout | undefined
    const finish = (fault: string | undefined): void => {
      clearInterval(timer)
      for (const socket of sockets) {
        socket.removeAllListeners().on('error', () => undefined)
        socket.destroy()
      }
      resolve(
        fault === undefined
          ? { ok: true, p50: quantile(took, 0.5) * 1000, p99: quantile(took, 0.99) * 1000 }
          : { ok: false, fault },
      )
    }
    const startAt = new Map<Socket, number>()
    const send = (socket: Socket, at: number): void => {
      startAt.set(socket, at)
      socket.write(bytes)
    }
    const begin = (): void => {
      const startedAt = performance.now()
      timer = setInterval(() => {
        const now = performance.now()
        const until = Math.min(total, Math.floor(((now - startedAt) / 1000) * rate))
        for (; due < until; due++) {
          // Not the tick, which may be late itself.
          const at = startedAt + (due / rate) * 1000
          const socket = free.pop()
          if (socket) send(socket, at)
          else waiting.push(at)
        }
      }, 1)
    }
    const answered = (socket: Socket): void => {
      took.push(performance.now() - (startAt.get(socket) ?? 0))
      if (took.length === total) return finish(undefined)
      const next = waiting.shift()
      if (next === undefined) free.push(socket)
      else send(socket, next)
    }
    for (let i = 0; i < connections; i++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true }, () => {
        free.push(socket)
        if (free.length === connections) begin()
      })
      sockets.push(socket)
      let held = ''
      socket.setEncoding('latin1')
      socket.on('data', (text: string) => {
        held += text
        const end = held.indexOf('\r\n\r\n')
        if (end < 0) return
        if (!held.startsWith('HTTP/1.1 200')) return finish(`an answer was not 200: ${held.slice(0, 300)}`)
        const length = /\r\ncontent-length: *(\d+)/i.exec(held)?.[1]
        if (length === undefined) return finish('an answer had no Content-Length')
        if (held.length < end + 4 + Number(length)) return
        held = ''
        answered(socket)
      })
      socket.on('error', ({ message }) => finish(message))
      socket.on('close', () => finish('a connection was closed'))
    }
  })

process.on('message', (order: PacedOrder) => {
  runPaced(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
