import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'

/**
 * Pauses the upstream until the client has taken what was written. A slow reader may take its time; one that takes
 * nothing for `idleMs` would hold the connection to the upstream for ever, and loses its own.
 */
export const holdBack = (
  running: Dispatcher.DispatchController,
  { socket, response }: { readonly socket: Socket; readonly response: ServerResponse },
  idleMs: number,
): void => {
  // Written, less what still lies in our buffers; all of the connection, as answers ahead of this one count too.
  const taken = (): number => socket.bytesWritten - socket.writableLength
  let before = taken()
  running.pause()
  const timer = setInterval(() => {
    const now = taken()
    // While an answer ahead of this one is awaited, the client is not to blame.
    if (now === before && response.socket !== null) response.destroy()
    before = now
  }, idleMs)
  const stop = (): void => clearInterval(timer)
  response.once('close', stop)
  response.once('drain', () => {
    stop()
    response.off('close', stop)
    running.resume()
  })
}
