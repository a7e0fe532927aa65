import { connect, type Socket } from 'node:net'
import type { TestContext } from 'node:test'
import { Worker } from 'node:worker_threads'

/**
 * A port where the kernel lets nobody in any more: it is bound, its queue is full, and nothing accepts. A connection to
 * it stays in the handshake, as to a host that is down. Ends with the test.
 */
export const startBlockedListener = async (t: TestContext): Promise<number> => {
  const gate = new Int32Array(new SharedArrayBuffer(4))
  const worker = new Worker(
    `const { parentPort, workerData } = require('node:worker_threads')
     const server = require('node:net').createServer().listen({ port: 0, host: '127.0.0.1', backlog: 1 }, () => {
       parentPort.postMessage(server.address().port)
       setImmediate(() => { Atomics.wait(workerData, 0, 0); process.exit(0) })
     })`,
    { eval: true, workerData: gate },
  )
  const port = await new Promise<number>((resolve) => worker.once('message', resolve))
  const fillers: Socket[] = []
  t.after(async () => {
    for (const socket of fillers) socket.destroy()
    Atomics.store(gate, 0, 1)
    Atomics.notify(gate, 0)
    await worker.terminate()
  })
  // Linux queues one more than it was asked to; what comes after that gets no answer.
  for (let i = 0; i < 8; i++) {
    const socket = connect(port, '127.0.0.1').on('error', () => undefined)
    fillers.push(socket)
  }
  await Promise.all(fillers.slice(0, 2).map((socket) => new Promise((resolve) => socket.once('connect', resolve))))
  return port
}
