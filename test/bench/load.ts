import { connect, type Socket } from 'node:net'
import type { Finished, Timed } from './load-process.ts'

/** What one round sends: prebuilt requests, in turn. */
export interface LoadOrder {
  readonly port: number
  readonly requests: readonly string[]
  readonly count: number
  readonly connections: number
}

/**
 * The load generator, a process of its own: keep-alive connections over plain sockets, one request at a time on each.
 * Every answer is read to its end by Content-Length and has to be a 200, else the round has failed.
 */
const runLoad = ({ port, requests, count, connections }: LoadOrder): Promise<Finished<Timed>> =>
  new Promise((resolve) => {
    const bytes = requests.map((request) => Buffer.from(request, 'latin1'))
    const sockets: Socket[] = []
    let sent = 0
    let answered = 0
    let ready = 0
    let startedAt = 0
    const finish = (result: Finished<Timed>): void => {
      for (const socket of sockets)
        socket
          .removeAllListeners()
          .on('error', () => undefined)
          .destroy()
      resolve(result)
    }
    const next = (socket: Socket): void => {
      if (sent === count) return
      const request = bytes[sent % bytes.length]
      sent++
      if (request) socket.write(request)
    }
    const onAnswer = (socket: Socket): void => {
      answered++
      if (answered < count) return next(socket)
      finish({ ok: true, seconds: (performance.now() - startedAt) / 1000 })
    }
    const start = (): void => {
      startedAt = performance.now()
      for (const socket of sockets) next(socket)
    }
    for (let i = 0; i < connections; i++) {
      const socket = connect({ port, host: '127.0.0.1', noDelay: true })
      sockets.push(socket)
      socket.once('connect', () => {
        ready++
        if (ready === connections) start()
      })
      socket.on('error', (error) => finish({ ok: false, fault: error.message }))
      socket.on('close', () => finish({ ok: false, fault: 'the connection was closed' }))
      socket.on(
        'data',
        answerReader(
          () => onAnswer(socket),
          (fault) => finish({ ok: false, fault }),
        ),
      )
    }
  })

/** Reads answers off one connection. */
const answerReader = (whole: () => void, failed: (fault: string) => void): ((chunk: Buffer) => void) => {
  let held: Buffer | undefined
  return (chunk) => {
    const buffer = held ? Buffer.concat([held, chunk]) : chunk
    held = buffer
    const headEnd = buffer.indexOf('\r\n\r\n')
    if (headEnd < 0) return
    const head = buffer.toString('latin1', 0, headEnd)
    if (!head.startsWith('HTTP/1.1 200')) return failed(`an answer was not 200: ${buffer.toString('latin1', 0, 600)}`)
    const length = /\r\ncontent-length: *(\d+)/i.exec(head)?.[1]
    if (length === undefined) return failed('an answer had no Content-Length')
    const size = headEnd + 4 + Number(length)
    if (buffer.length < size) return
    if (buffer.length > size) return failed('more came than one answer')
    held = undefined
    whole()
  }
}

process.on('message', (order: LoadOrder) => {
  runLoad(order).then((result) => process.send?.(result))
})
process.on('disconnect', () => process.exit(0))
