import { randomBytes } from 'node:crypto'
import type { Config } from '../config/config.ts'
import type { Environment } from '../config/environment.ts'
import { heapLimitOf } from '../config/memory.ts'
import { giveBack } from '../config/reclaim.ts'
import { faultEvent, warningsOf } from '../gateway-events.ts'
import { createAdmin } from '../http/admin.ts'
import { systemClock } from '../keys/clock.ts'
import { createGroupMetrics } from '../observe/group-metrics.ts'
import { createLog } from '../observe/log.ts'
import { redact } from '../observe/redact.ts'
import { createReloader } from '../reload.ts'
import { version } from '../version.ts'
import type { FileContents } from './calls.ts'
import { createFollowing } from './following.ts'
import { createGroup } from './group.ts'
import { groupStatus } from './group-status.ts'
import { partOfHeap } from './heap-share.ts'
import { countOf, prepareWorkers } from './worker-process.ts'

/** What the supervisor has of the outside world. */
export interface SupervisorIo {
  /** Where `${NAME}` comes from; workers have the same. */
  readonly env: Environment
  readonly stderr: (text: string) => void
  /** Aborted by the signal that asks for the end; `reason` is its name. */
  readonly signal: AbortSignal
  on(signal: 'SIGHUP', run: () => void): void
}

/**
 * Runs `workers` processes that serve, and is none of them: it has the admin listener, the log, the files of the config
 * and the signals. Workers get the contents of the files that were valid here, so that all run the same config.
 *
 * @param files what the config was made from
 * @returns 0; 1: the address is taken, or something had to be cut
 */
export const runWorkers = async (config: Config, files: FileContents, io: SupervisorIo): Promise<number> => {
  const clock = systemClock
  const log = createLog(config.log, { target: 1, nearMiss: () => undefined, now: clock.now })
  const { logger } = log
  const metrics = createGroupMetrics(() => clock.now() / 1000)
  const count = countOf(config.workers)
  const nonceSecret = randomBytes(32)
  let running = config
  let reloaded: FileContents | undefined
  let started = false
  let draining = false
  let leaving = false

  const startWorker = await prepareWorkers(count)
  const group = createGroup({
    count,
    startWorker: () => startWorker(log.relay),
    start: (worker, whenReady) => ({ file: config.file, worker, files, reloaded, nonceSecret, whenReady, draining }),
    logger,
    clock,
    retire: metrics.retire,
  })
  const status = groupStatus({
    group,
    count,
    metrics,
    started: () => started,
    draining: () => leaving,
    maxWaitMs: config.readiness.maxWaitMs,
    monotonic: () => performance.now(),
    drain: () => {
      draining = true
      metrics.setDraining(true)
      void group.gather('drain', undefined, drainCallMs)
    },
    warnings: () => redact(running.warnings),
    failed: faultEvent(log),
  })
  const admin = config.admin && createAdmin(config.admin, status)
  const following = createFollowing({ group, metrics, clock })
  const reloader = createReloader({
    running: config,
    env: io.env,
    // What does not fit there is refused here: all of them together would end, again and again.
    heapLimit: heapLimitOf(partOfHeap(process.execArgv, process.env.NODE_OPTIONS, count)),
    log,
    clock,
    apply: async (next, contents) => {
      running = next
      reloaded = contents
      warningsOf(next, log)
      await following.apply(contents)
    },
    refresh: following.refresh,
    failed: following.failed,
  })
  const close = async (delayMs: number, drainMs: number): Promise<number> => {
    leaving = true
    metrics.setReady(false)
    metrics.setDraining(true)
    reloader.close()
    const cut = await group.close({ delayMs, drainMs }, delayMs + drainMs + lastWordsMs)
    await admin?.close()
    logger.info({ cut }, 'all workers closed')
    await log.close()
    return cut
  }

  io.on('SIGHUP', reloader.now)
  warningsOf(config, log)
  if (config.dev) logger.warn('the dev block is ignored: `audgate dev` reads it')
  try {
    // The admin listener starts first and closes last.
    await admin?.listen()
    const bound = await Promise.race([group.listen(), stopped(io.signal)])
    if (bound !== undefined) {
      started = true
      giveBack()
      const { address, port } = bound
      logger.info({ address: `${address}:${port}`, version, config: running.hash, workers: count }, 'listening')
    }
  } catch (error) {
    await close(0, 0)
    io.stderr(`audgate serve: ${error instanceof Error ? error.message : 'cannot listen'}\n`)
    return 1
  }
  await stopped(io.signal)
  const { drainDelayMs, drainMs } = running.listen.timeouts
  const cut = await close(io.signal.reason === 'SIGTERM' ? drainDelayMs : 0, drainMs)
  return cut === 0 ? 0 : 1
}

/** For a worker that is busy: who comes in its place is told anyway. */
const drainCallMs = 60_000
/** For a worker's goodbyes to its tunnels, its last records and its log. */
const lastWordsMs = 8000

const stopped = (signal: AbortSignal): Promise<undefined> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve(undefined)
    else signal.addEventListener('abort', () => resolve(undefined), { once: true })
  })
