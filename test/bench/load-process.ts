import { type ChildProcess, fork } from 'node:child_process'
import type { LoadOrder, LoadResult } from './load.ts'

/** The load generator, as the bench sees it. */
export interface Load {
  /** Rejects when an answer was not a 200. */
  run(order: LoadOrder): Promise<{ readonly seconds: number; readonly bytes: number }>
  stop(): void
}

export const startLoad = (): Load => {
  const child = fork(new URL('./load.ts', import.meta.url))
  return {
    run: async (order) => {
      child.send(order)
      const result = await nextMessage(child)
      if (!result.ok) throw new Error(`the round failed: ${result.fault}`)
      return result
    },
    stop: () => {
      child.kill()
    },
  }
}

const nextMessage = (child: ChildProcess): Promise<LoadResult> =>
  new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the load generator ended'))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as LoadResult) // our own child, our own type
    })
  })
