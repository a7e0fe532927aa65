import { type FSWatcher, watch } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { digestOf, type FileRead, readRegularFileAside } from './files.ts'

/** Files that are looked after. */
export interface WatchedFiles {
  /** Looks now. Resolves when that look is over, and what `changed` made of it. Never rejects. */
  check(): Promise<void>
  /** From now on these and no others. One that is new counts as changed, and is looked at at once. Absolute paths. */
  follow(files: Iterable<string>): void
  /** No callback and no handle after this. */
  close(): void
}

/** When to look again, where a test does not wait for it. Nothing here keeps the process alive. */
interface Timer {
  after(delayMs: number, run: () => void): () => void
}

/**
 * Looks at files when something happens in their directories and has come to rest, and once a minute whatever happens,
 * for some volumes tell nobody. Directories and not files: a link that was swapped takes the watch of its file with it
 * (OP-2). What counts is what the files hold, all of them together: neither an event nor a time stamp is a change. They
 * are read aside, as one generation: when a link (`..data` of Kubernetes) or a file changed while they were read, they
 * are read again.
 *
 * @param known absolute paths, each with the {@link digestOf} what the caller has of it. The first look comes at once:
 *   that may be old already
 * @param changed called when anything is another than before, with all of them as they were in that look. The next look
 *   waits for it. It must neither throw nor reject
 */
export const watchFiles = (
  known: ReadonlyMap<string, string>,
  timer: Timer,
  changed: (read: ReadonlyMap<string, FileRead>) => void | Promise<void>,
): WatchedFiles => {
  let seen = new Map(known)
  let watchers: readonly FSWatcher[] = []
  let round: Promise<void> | undefined
  let asked = false
  let closed = false
  let cancelPoll = nothing
  let cancelRest = nothing
  let cancelLatest: (() => void) | undefined

  const noticed = (): void => {
    cancelRest()
    cancelRest = timer.after(restMs, check)
    // Somebody may write there all the time.
    cancelLatest ??= timer.after(latestMs, check)
  }
  const forgetNotice = (): void => {
    cancelRest()
    cancelLatest?.()
    cancelLatest = undefined
  }
  /** Anew each time: a directory that was replaced takes its watcher with it, and need not say so. */
  const arm = (directories: ReadonlySet<string>): boolean => {
    const before = watchers
    watchers = closed ? [] : [...directories].flatMap((directory) => watchDirectory(directory, noticed))
    for (const watcher of before) watcher.close()
    return watchers.length === directories.size
  }
  /** Notes what was read. @returns whether anything is another */
  const note = (read: ReadonlyMap<string, FileRead>): boolean => {
    let another = false
    for (const [file, one] of read) {
      const digest = digestOf(one)
      another ||= seen.get(file) !== digest
      seen.set(file, digest)
    }
    return another
  }
  /** @returns when to look again */
  const look = async (): Promise<number> => {
    for (let attempt = 0; attempt < mostAttempts && !closed; attempt++) {
      const files = [...seen.keys()]
      const before = await Promise.all(files.map(placeOf))
      // Before the reading: what is written in between is an event.
      const watched = arm(new Set([...files, ...before.map(({ path }) => path)].map((path) => dirname(path))))
      const read = new Map<string, FileRead>()
      for (const { file, path } of before) read.set(file, await readRegularFileAside(path))
      const after = await Promise.all(files.map(placeOf))
      if (closed || after.some(({ stamp }, index) => stamp !== before[index]?.stamp)) continue
      if (note(read)) await changed(read)
      return watched ? pollMs : blindPollMs
    }
    return restMs
  }
  const check = (): Promise<void> => {
    forgetNotice()
    cancelPoll()
    asked = true
    round ??= lookWhileAsked()
    return round
  }
  // One after the other: of two at once the older could be the last to end.
  const lookWhileAsked = async (): Promise<void> => {
    let nextMs = 0
    while (asked && !closed) {
      asked = false
      nextMs = await look()
    }
    round = undefined
    if (!closed) cancelPoll = timer.after(nextMs, check)
  }
  void check()
  return {
    check,
    follow: (files) => {
      const before = seen
      seen = new Map()
      for (const file of files) {
        const digest = before.get(file)
        seen.set(file, digest ?? '')
        asked ||= digest === undefined
      }
      if (asked) void check()
    },
    close: () => {
      closed = true
      forgetNotice()
      cancelPoll()
      arm(new Set())
    },
  }
}

/** Nothing may happen for so long before a look: who writes two files is done by then. */
const restMs = 250
/** … but not for longer than this after the first event. */
const latestMs = 2000
const pollMs = 60_000
/** While a directory cannot be watched: it is gone for the moment, or the system has no watcher left. */
const blindPollMs = 5000
const mostAttempts = 3

const nothing = (): unknown => undefined

const watchDirectory = (directory: string, noticed: () => void): FSWatcher[] => {
  try {
    const watcher = watch(directory, { persistent: false }, noticed)
    watcher.on('error', noticed)
    return [watcher]
  } catch {
    return []
  }
}

/** Where a file really is; its stamp is another one as soon as that, or what is there, is another. */
const placeOf = async (
  file: string,
): Promise<{ readonly file: string; readonly path: string; readonly stamp: string }> => {
  try {
    const path = await realpath(file)
    const { dev, ino, size, mtimeNs, ctimeNs } = await stat(path, { bigint: true })
    return { file, path, stamp: [path, dev, ino, size, mtimeNs, ctimeNs].join(' ') }
  } catch {
    return { file, path: file, stamp: '' }
  }
}
