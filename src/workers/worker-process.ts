import type { Cluster } from 'node:cluster'
import { availableParallelism } from 'node:os'
import type { Readable } from 'node:stream'
import type { Answer, CallName, Reply, Said } from './calls.ts'
import { heapShare } from './heap-share.ts'
import { wholeLines } from './whole-lines.ts'
import { WorkerError } from './worker-error.ts'

/** One worker, as the supervisor sees it. */
export interface WorkerProcess {
  readonly pid: number
  /**
   * Rejects with a {@link WorkerError}: with what the worker says of its fault, when it does not answer within
   * `withinMs`, and when it ends before.
   */
  ask<Name extends CallName>(name: Name, said: Said<Name>, withinMs?: number): Promise<Answer<Name>>
  /** At once. */
  kill(): void
  /** How it ended, when it did and everything it wrote has been read: its status, or the signal that ended it. */
  readonly ended: Promise<number | string>
}

/** Told what a worker writes to standard output, in whole lines. */
type Lines = (text: string) => void

/** How the worker is told that it is one. */
export const workerVariable = 'AUDGATE_WORKER'

/**
 * Says how workers are started: from the same program as this process. They share one listening socket, and each takes
 * connections from its queue: what waits there when a worker ends or is busy is taken by the others. Measured with Node
 * 24 and 26: with a socket for each (`reusePort`) a worker that closes resets those that wait in its queue, and behind a
 * busy one they wait; handed out in turn by this process, a connection on its way to a worker that ends is never
 * answered, and when all workers are at `limits.connections` the handing round takes a whole processor.
 *
 * @returns starts one
 */
export const prepareWorkers = async (count: number): Promise<(lines: Lines) => WorkerProcess> => {
  // Here and not above: in the one file of the image an import above is one of every command.
  const { default: cluster } = await import('node:cluster')
  cluster.schedulingPolicy = cluster.SCHED_NONE
  cluster.setupPrimary({
    args: ['serve'],
    execArgv: [...heapShare(process.execArgv, process.env.NODE_OPTIONS, count)],
    serialization: 'advanced',
    // Through this process, which writes whole lines: of two that write to one pipe, each may break the other's lines.
    stdio: ['ignore', 'pipe', 'inherit', 'ipc'],
  })
  // However this process ends that can say so: nobody is left behind, not even one whose loop stands still.
  process.once('exit', () => {
    for (const worker of Object.values(cluster.workers ?? {})) worker?.process.kill('SIGKILL')
  })
  return (lines) => startWorker(cluster, lines)
}

/** `auto`: what this process may use, of affinity and the quota of its container (libuv 1.49 and later knows both). */
export const countOf = (workers: number | 'auto'): number => (workers === 'auto' ? availableParallelism() : workers)

const startWorker = (cluster: Cluster, lines: Lines): WorkerProcess => {
  const worker = cluster.fork({ [workerVariable]: '1' })
  const child = worker.process
  const waiting = new Map<number, Settle>()
  let calls = 0
  let over = false
  const end = (): void => {
    over = true
    for (const settle of [...waiting.values()]) settle(gone())
  }
  worker.on('message', (reply: Reply) =>
    waiting.get(reply.id)?.(reply.ok ? undefined : new WorkerError('fault', reply.fault), reply),
  )
  // A message to one that is gone, or no process to be had: its end tells.
  worker.on('error', () => undefined)
  worker.once('exit', end)
  const out = child.stdout as Readable // `pipe`, as above
  out.on('error', () => undefined)
  wholeLines(out, lines)
  return {
    pid: child.pid ?? 0,
    ask: <Name extends CallName>(name: Name, said: Said<Name>, withinMs?: number) =>
      new Promise<Answer<Name>>((resolve, reject) => {
        const id = ++calls
        let timer: NodeJS.Timeout | undefined
        const settle: Settle = (error, reply) => {
          waiting.delete(id)
          clearTimeout(timer)
          if (error) reject(error)
          else if (reply?.ok) resolve(reply.answer as Answer<Name>) // what `serveCalls` answers that call with
        }
        waiting.set(id, settle)
        if (withinMs !== undefined) {
          timer = setTimeout(() => settle(new WorkerError('silent', `no answer within ${withinMs} ms`)), withinMs)
          timer.unref()
        }
        if (over || !worker.isConnected()) settle(gone())
        else worker.send({ id, name, said }, (error) => error && settle(gone()))
      }),
    kill: () => {
      child.kill('SIGKILL')
    },
    ended: new Promise((resolve) => {
      child.once('close', (code, signal) => {
        end()
        resolve(signal ?? code ?? 'unknown')
      })
    }),
  }
}

type Settle = (error: WorkerError | undefined, reply?: Reply) => void

const gone = (): WorkerError => new WorkerError('gone', 'the worker has ended')
