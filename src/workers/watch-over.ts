import type { Clock } from '../keys/clock.ts'
import type { WorkerError } from './worker-error.ts'
import type { WorkerProcess } from './worker-process.ts'

/**
 * Asks a worker for a sign of life every five seconds. One whose loop stands still serves nobody and keeps its
 * connections; one that answers that it cannot is alive.
 *
 * @param silent called once, when there was none for half a minute: a liveness probe would wait as long
 * @returns ends it
 */
export const watchOver = (
  process: Pick<WorkerProcess, 'ask'>,
  clock: Pick<Clock, 'after'>,
  silent: () => void,
): (() => void) => {
  let stop = (): void => undefined
  const beat = async (): Promise<void> => {
    try {
      await process.ask('ready', undefined, silenceMs)
    } catch (error) {
      const { why } = error as WorkerError // `ask` rejects with no other
      if (why === 'silent') silent()
      if (why !== 'fault') return
    }
    stop = clock.after(beatMs, beat)
  }
  stop = clock.after(beatMs, beat)
  return () => stop()
}

const beatMs = 5000
const silenceMs = 30_000
