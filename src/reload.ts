import { resolve } from 'node:path'
import { setImmediate } from 'node:timers/promises'
import type { Config } from './config/config.ts'
import type { Environment } from './config/environment.ts'
import { type FileRead, readRegularFile } from './config/files.ts'
import { loadConfig } from './config/load.ts'
import { mostProblems, type Problem } from './config/problem.ts'
import { watchFiles } from './config/watch-files.ts'
import type { Clock } from './keys/clock.ts'
import type { Log } from './observe/log.ts'

export interface ReloaderDeps {
  /** What runs now, with the digests of its files: what they held when it was loaded. */
  readonly running: Config
  /** Where `${NAME}` comes from. */
  readonly env: Environment
  /** As in `LoadOptions`. */
  readonly heapLimit?: number
  readonly log: Pick<Log, 'logger'>
  readonly clock: Pick<Clock, 'after'>
  /**
   * Files have changed, and all of them together are a valid config; it may mean the same as the one before.
   *
   * @param files everything it was made from, by absolute path: whoever loads it again from these gets the same
   */
  readonly apply: (next: Config, files: ReadonlyMap<string, FileRead>) => Promise<void>
  /** SIGHUP, after what had changed is applied, and also where it could not be: keys again, now (AS-11). */
  readonly refresh: () => Promise<void>
  /** Files have changed into what is no valid config: what runs goes on. The problems are in the log. */
  readonly failed: () => void
}

/** Follows the files of a config. */
export interface Reloader {
  /** SIGHUP. Signals that come while one is served are served as one. */
  now(): void
  /** Nothing is applied that has not begun by then. */
  close(): void
}

/**
 * Loads the config anew when its file has changed, or any file that it names; {@link watchFiles} says when that is. The
 * whole is validated, from one generation of all files, before anybody hears of it. Every problem is logged, once for
 * each content of the files and at every SIGHUP.
 */
export const createReloader = ({
  running,
  env,
  heapLimit,
  log: { logger },
  clock,
  apply,
  refresh,
  failed,
}: ReloaderDeps): Reloader => {
  const { file } = running
  let good = running.files
  let problems: readonly Problem[] = []
  let looks = 0
  let closed = false

  const report = (): void => {
    for (const { line, column, message } of problems) logger.error({ file, line, column }, message)
    logger.error(
      { detail: problems.length > mostProblems ? `more than ${mostProblems} problems` : `${problems.length} problems` },
      'config not reloaded: the one before goes on',
    )
    failed()
  }

  const changed = async (read: ReadonlyMap<string, FileRead>): Promise<void> => {
    let whole = true
    const loaded = loadConfig(file, {
      env,
      ...(heapLimit !== undefined && { heapLimit }),
      readFile: (path) => {
        const known = read.get(resolve(path))
        whole &&= known !== undefined
        return known ?? readRegularFile(path)
      },
    })
    const files = loaded.ok ? loaded.config.files : loaded.files
    if (!whole) {
      // It names files that nobody looked at: they could be of another generation. The look that follows has them all.
      watched.follow([...read.keys(), ...files.keys()])
      return
    }
    looks++
    if (!loaded.ok) {
      problems = loaded.problems
      // It may be a file that is missing, or the old one comes back.
      watched.follow(new Set([...good.keys(), ...files.keys()]))
      report()
      return
    }
    problems = []
    good = files
    watched.follow(files.keys())
    // Ten thousand upstreams take seconds to load: what has waited meanwhile goes first.
    await setImmediate()
    if (!closed) await apply(loaded.config, read)
  }

  const watched = watchFiles(running.files, clock, async (read) => {
    try {
      await changed(read)
    } catch (error) {
      // A bug of ours: no config may end the gateway.
      logger.error({ error: error instanceof Error ? (error.stack ?? error.name) : 'unknown' }, 'internal')
      failed()
    }
  })

  let asked = false
  let serving = false
  const serve = async (): Promise<void> => {
    serving = true
    while (asked && !closed) {
      asked = false
      const before = looks
      await watched.check()
      if (closed) return
      // Who asks wants to know, also what was said before.
      if (looks === before && problems.length > 0) report()
      await refresh()
    }
    serving = false
  }
  return {
    now: () => {
      asked = true
      if (!serving) void serve()
    },
    close: () => {
      closed = true
      watched.close()
    },
  }
}
