import { type ChildProcess, fork, type Serializable } from 'node:child_process'
import type { LoadOrder } from './load.ts'
import type { PacedOrder, PacedResult } from './load-paced.ts'
import type { StreamOrder } from './load-stream.ts'
import type { TunnelOrder } from './load-tunnels.ts'

/** What every load generator says at the end of a round. */
export type Finished<Result> = (Result & { readonly ok: true }) | { readonly ok: false; readonly fault: string }

/** A load generator in a process of its own, as the bench sees it. */
export interface Load<Order, Result> {
  /** Rejects when an answer was not what it had to be. */
  run(order: Order): Promise<Result>
  stop(): void
}

/** Answered requests, or moved bytes, in so much time. */
export interface Timed {
  readonly seconds: number
}

export const startLoad = (): Load<LoadOrder, Timed> => start('./load.ts')
export const startPacedLoad = (): Load<PacedOrder, PacedResult> => start('./load-paced.ts')
export const startStreamLoad = (): Load<StreamOrder, Timed> => start('./load-stream.ts')
export const startTunnelLoad = (): Load<TunnelOrder, Timed> => start('./load-tunnels.ts')

const start = <Order, Result>(script: string): Load<Order, Result> => {
  const child = fork(new URL(script, import.meta.url))
  return {
    run: async (order) => {
      child.send(order as Serializable) // an order is plain data
      const result = await nextMessage<Finished<Result>>(child)
      if (!result.ok) throw new Error(`the round failed: ${result.fault}`)
      return result
    },
    stop: () => {
      child.kill()
    },
  }
}

const nextMessage = <Message>(child: ChildProcess): Promise<Message> =>
  new Promise((resolve, reject) => {
    const onExit = (): void => reject(new Error('the load generator ended'))
    child.once('exit', onExit)
    child.once('message', (message) => {
      child.off('exit', onExit)
      resolve(message as Message) // our own child, our own type
    })
  })
