import type { ServerResponse } from 'node:http'
import type { Socket } from 'node:net'
import type { Dispatcher } from 'undici'

/** How long a client is waited for that does not read. */
export interface Patience {
  /** Pauses the upstream, which goes on by itself as soon as the client has taken what was written. */
  holdBack(running: Dispatcher.DispatchController): void
  /** The upstream has said everything, the client has not taken it yet. */
  watch(): void
}

/**
 * A slow reader may take its time; one that takes nothing for `idleMs` would hold a connection, and mostly one to the
 * upstream too, for ever: it loses its own. What counts is what the kernel has taken of us, write by write: who takes
 * less than one write in that time counts as one who takes nothing.
 *
 * @param client of one answer: its connection, and the response
 */
export const createPatience = (
  { socket, response }: { readonly socket: Socket; readonly response: ServerResponse },
  idleMs: number,
): Patience => {
  let held: Dispatcher.DispatchController | undefined
  let ending = false
  let before = 0
  // Written, less what still lies in our buffers; all of the connection, as answers ahead of this one count too.
  const taken = (): number => socket.bytesWritten - socket.writableLength
  const look = (): void => {
    if (!held && !ending) return
    const now = taken()
    // While an answer ahead of this one is awaited, the client is not to blame.
    if (now === before && response.socket !== null) response.destroy()
    before = now
  }
  // Of a long answer nearly every piece is held back for a moment: one timer, set anew, serves them all.
  const timer = setInterval(look, idleMs)
  response.once('close', () => clearInterval(timer))
  response.on('drain', () => {
    const running = held
    held = undefined
    running?.resume()
  })
  const wait = (): void => {
    before = taken()
    timer.refresh()
  }
  return {
    holdBack: (running) => {
      held = running
      running.pause()
      wait()
    },
    watch: () => {
      ending = true
      wait()
    },
  }
}
