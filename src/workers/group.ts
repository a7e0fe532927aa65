import type { Clock } from '../keys/clock.ts'
import { type Exposition, readExposition } from '../observe/add-up.ts'
import { backoffMs, steadyMs } from './backoff.ts'
import type { Answer, Bound, CallName, Said, Start } from './calls.ts'
import { watchOver } from './watch-over.ts'
import type { WorkerError } from './worker-error.ts'
import type { WorkerProcess } from './worker-process.ts'

/** One worker of the group, as long as its process lives. */
export interface Member {
  /** From 1; who comes in its place has the same. */
  readonly worker: number
  readonly process: WorkerProcess
  /** Whether it accepts connections. */
  serving: boolean
  /** What it had counted when it was last asked. */
  counted: Exposition | undefined
}

export interface GroupDependencies {
  readonly count: number
  readonly startWorker: () => WorkerProcess
  /** What a new worker is told now. */
  readonly start: (worker: number, whenReady: boolean) => Start
  readonly logger: {
    info(fields: object, message: string): void
    error(fields: object, message: string): void
  }
  readonly clock: Clock
  /** A worker has ended that had counted this. */
  readonly retire: (last: Exposition) => void
}

/** Workers that share a port, each of which is replaced when it ends. */
export interface Group {
  /**
   * Resolves when each of them serves, or one does and others have failed: those are tried again. Rejects when one of
   * the first cannot listen, with a message for the operator.
   */
  listen(): Promise<Bound>
  /** Whether each of them has been ready once, or one that was there in its place. */
  complete(): boolean
  /** In the order of their numbers. */
  members(): readonly Member[]
  /** Asks all that live; what those say who answer in time. Never rejects. */
  gather<Name extends CallName>(
    name: Name,
    said: Said<Name>,
    withinMs: number,
  ): Promise<readonly (readonly [Member, Answer<Name>])[]>
  /**
   * Tells all that live. Who does not do it in time is replaced: all of them do the same, or are not there.
   *
   * @returns whether nobody had to be replaced for it; one that ended by itself has followed, for another takes its place
   */
  insist<Name extends CallName>(name: Name, said: Said<Name>, withinMs: number): Promise<boolean>
  /**
   * Ends them as one: each drains.
   *
   * @param limitMs for each of them, from now on, before it is killed
   * @returns how many connections were cut with something in flight; a worker that ended otherwise counts as one
   */
  close(said: Said<'close'>, limitMs: number): Promise<number>
}

/** Starts nothing before `listen`. */
export const createGroup = ({ count, startWorker, start, logger, clock, retire }: GroupDependencies): Group => {
  const members = new Map<number, Member>()
  const endings = new Map<Member, Promise<number>>()
  const tried = new Set<number>()
  const settled = new Set<number>()
  const wakeUp = new Set<() => void>()
  let closing = false
  let bound: Bound | undefined
  let listening: PromiseWithResolvers<Bound> | undefined

  const living = (): readonly Member[] => [...members.values()].sort((one, other) => one.worker - other.worker)
  const look = (): void => {
    if (tried.size === count && bound !== undefined) listening?.resolve(bound)
  }

  const bringUp = async (member: Member): Promise<void> => {
    const { worker, process } = member
    try {
      // Without keys it would refuse what the others admit.
      const whenReady = living().some(({ serving }) => serving)
      bound = await process.ask('start', start(worker, whenReady))
      member.serving = true
      void settle(member)
    } catch (error) {
      const { why, message } = error as WorkerError // `ask` rejects with no other
      if (why === 'fault') {
        // One that cannot listen at the start is a mistake of the operator's, and no accident.
        if (!tried.has(worker)) listening?.reject(error)
        logger.error({ worker, detail: message }, 'worker cannot serve')
      }
      process.kill()
    }
    tried.add(worker)
    look()
  }

  const settle = async ({ worker, process }: Member): Promise<void> => {
    try {
      await process.ask('settled', undefined)
      settled.add(worker)
    } catch {
      // It ended before; the next one is asked as well.
    }
  }

  const pause = (ms: number): Promise<void> =>
    new Promise((resolve) => {
      const cancel = clock.after(ms, wake)
      function wake(): void {
        wakeUp.delete(wake)
        cancel()
        resolve()
      }
      wakeUp.add(wake)
    })

  /** @returns how it ended */
  const live = async (worker: number): Promise<number | string> => {
    let process: WorkerProcess
    try {
      process = startWorker()
    } catch (error) {
      tried.add(worker)
      look()
      return error instanceof Error ? error.message : 'unknown'
    }
    const member: Member = { worker, process, serving: false, counted: undefined }
    members.set(worker, member)
    logger.info({ worker, pid: process.pid }, 'worker started')
    const rest = watchOver(process, clock, () => {
      logger.error({ worker, pid: process.pid }, 'worker does not answer: it is ended')
      process.kill()
    })
    void bringUp(member)
    const how = await process.ended
    rest()
    members.delete(worker)
    if (member.counted !== undefined) retire(member.counted)
    return endings.delete(member) ? 'replaced' : how
  }

  const keep = async (worker: number): Promise<void> => {
    let failures = 0
    while (!closing) {
      const since = clock.now()
      const how = await live(worker)
      if (closing) return
      if (how === 'replaced') continue
      failures = clock.now() - since >= steadyMs ? 1 : failures + 1
      const delayMs = backoffMs(failures)
      logger.error({ worker, ended: how, delay_ms: delayMs }, 'worker ended: another takes its place')
      await pause(delayMs)
    }
  }

  /** One that is ending already is not asked again. @returns as `close` */
  const end = (member: Member, said: Said<'close'>, limitMs: number): Promise<number> => {
    const ending = endings.get(member) ?? endOf(member, said, limitMs)
    endings.set(member, ending)
    return ending
  }
  const endOf = async (member: Member, said: Said<'close'>, limitMs: number): Promise<number> => {
    const { process } = member
    const cancel = clock.after(limitMs, process.kill)
    try {
      const { cut, metrics } = await process.ask('close', said)
      member.counted = readExposition(metrics)
      return cut
    } catch {
      process.kill()
      return member.serving ? 1 : 0
    } finally {
      await process.ended
      cancel()
    }
  }

  return {
    complete: () => settled.size === count,
    members: living,
    listen: () => {
      listening ??= Promise.withResolvers()
      for (let worker = 1; worker <= count; worker++) void keep(worker)
      return listening.promise
    },
    gather: async (name, said, withinMs) => {
      const asked = living().map(async (member) => [member, await member.process.ask(name, said, withinMs)] as const)
      const settled = await Promise.allSettled(asked)
      return settled.flatMap((one) => (one.status === 'fulfilled' ? [one.value] : []))
    },
    insist: async (name, said, withinMs) => {
      const done = await Promise.all(
        living().map(async (member) => {
          try {
            await member.process.ask(name, said, withinMs)
            return true
          } catch (error) {
            if (closing || endings.has(member) || (error as WorkerError).why === 'gone') return true
            const { worker } = member
            logger.error({ worker, detail: (error as WorkerError).message }, 'worker does not follow: it is replaced')
            void end(member, { delayMs: 0, drainMs: undefined }, leaveMs)
            return false
          }
        }),
      )
      return done.every(Boolean)
    },
    close: async (said, limitMs) => {
      closing = true
      for (const wake of [...wakeUp]) wake()
      const ends = await Promise.all(living().map((member) => end(member, said, limitMs)))
      return ends.reduce((sum, cut) => sum + cut, 0)
    },
  }
}

/** For a worker that is replaced, with its requests in flight. */
const leaveMs = 60_000
