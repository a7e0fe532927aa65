import { once } from 'node:events'
import { type AddressInfo, connect, createServer, type Socket } from 'node:net'
import type { TestContext } from 'node:test'

/** Both ends of one TCP connection; cut with the test. */
export interface SocketPair {
  /** The end that the code under test gets. */
  readonly ours: Socket
  /** Paused until somebody resumes it. */
  readonly theirs: Socket
}

/** @param allowHalfOpen of our end: true as on an HTTP server's side, false as undici makes them */
export const socketPair = async (t: TestContext, allowHalfOpen: boolean): Promise<SocketPair> => {
  const server = createServer({ allowHalfOpen: true, pauseOnConnect: true })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  const ours = connect({ port: (server.address() as AddressInfo).port, host: '127.0.0.1', allowHalfOpen })
  const [theirs]: Socket[] = await once(server, 'connection')
  if (!theirs) throw new Error('nobody came')
  server.close()
  theirs.on('error', () => theirs.destroy())
  t.after(() => {
    ours.destroy()
    theirs.destroy()
  })
  return { ours, theirs }
}

/** Everything that comes on a connection, until its end. */
export const everything = async (socket: Socket): Promise<Buffer> => {
  const chunks: Buffer[] = []
  socket.on('data', (chunk: Buffer) => chunks.push(chunk))
  socket.resume()
  await once(socket, 'end')
  return Buffer.concat(chunks)
}
