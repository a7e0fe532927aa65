import type { Exposition } from '../../src/observe/add-up.ts'
import type { CallName } from '../../src/workers/calls.ts'
import { createGroup, type Group } from '../../src/workers/group.ts'
import { WorkerError } from '../../src/workers/worker-error.ts'
import type { WorkerProcess } from '../../src/workers/worker-process.ts'
import { createManualClock, type ManualClock } from '../support/manual-clock.ts'

/** How a worker of a test answers; a call that nobody answers for stays open until the worker ends. */
export type Answers = Partial<Record<CallName, (said: unknown) => unknown>>

/** A worker without a process, which ends when the test says so or when it is killed. */
export interface StagedWorker {
  readonly heard: { readonly name: CallName; readonly said: unknown }[]
  answers: Answers
  end(how: number | string): void
  killed(): boolean
}

export interface GroupStage {
  readonly group: Group
  readonly clock: ManualClock
  /** Every worker ever started, in that order. */
  readonly started: readonly StagedWorker[]
  /** What was logged: level, message, worker and the rest. */
  readonly logged: readonly (Readonly<Record<string, unknown>> & { readonly msg: string })[]
  /** Of each ended worker the names of what it had counted. */
  readonly retired: readonly string[]
}

export const serving: Answers = {
  start: () => ({ address: '127.0.0.1', port: 8080 }),
  settled: () => undefined,
  ready: () => ({ ok: true, reasons: [], issuers: [] }),
  drain: () => undefined,
  reload: () => undefined,
}

/**
 * @param behaviour of the n-th worker that is started, from 0
 * @param retire who else is told what ended workers had counted
 */
export const stageGroup = (
  count: number,
  behaviour: (index: number) => Answers,
  retire: (last: Exposition) => void = () => undefined,
): GroupStage => {
  const clock = createManualClock()
  const started: StagedWorker[] = []
  const logged: (Readonly<Record<string, unknown>> & { readonly msg: string })[] = []
  const retired: string[] = []
  const note =
    (level: string) =>
    (fields: object, msg: string): void => {
      logged.push({ level, ...fields, msg })
    }
  const logger = { info: note('info'), error: note('error') }
  const group = createGroup({
    count,
    startWorker: () => {
      const { staged, process } = createStaged(clock, started.length + 1, behaviour(started.length))
      started.push(staged)
      return process
    },
    start: (worker, whenReady) => ({
      file: 'audgate.yaml',
      worker,
      files: new Map(),
      reloaded: undefined,
      nonceSecret: new Uint8Array(32),
      whenReady,
      draining: false,
    }),
    logger,
    clock,
    retire: (last) => {
      retired.push([...last.keys()].join())
      retire(last)
    },
  })
  return { group, clock, started, logged, retired }
}

const createStaged = (
  clock: ManualClock,
  pid: number,
  answers: Answers,
): { readonly staged: StagedWorker; readonly process: WorkerProcess } => {
  const ending = Promise.withResolvers<number | string>()
  const gone = ending.promise.then(() => {
    throw new WorkerError('gone', 'gone')
  })
  gone.catch(() => undefined)
  let killed = false
  const staged: StagedWorker = { heard: [], answers, end: ending.resolve, killed: () => killed }
  const ask = (name: CallName, said: unknown, withinMs?: number): Promise<unknown> => {
    staged.heard.push({ name, said })
    const answer = staged.answers[name]
    const late = new Promise<never>((_, reject) => {
      if (withinMs !== undefined) clock.after(withinMs, () => reject(new WorkerError('silent', 'silent')))
    })
    const answered = answer === undefined ? new Promise(() => undefined) : (async () => answer(said))()
    return Promise.race([answered, late, gone])
  }
  const process: WorkerProcess = {
    pid,
    ask: ask as WorkerProcess['ask'], // the answers of a test are what the calls want
    kill: () => {
      killed = true
      ending.resolve('SIGKILL')
    },
    ended: ending.promise,
  }
  return { staged, process }
}

/** Lets everything happen that waits for nothing but promises. */
export const settle = async (): Promise<void> => {
  for (let turn = 0; turn < 3; turn++) await new Promise(setImmediate)
}
