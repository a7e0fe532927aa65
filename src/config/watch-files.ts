import { createHash } from 'node:crypto'
import { type FSWatcher, watch } from 'node:fs'
import { realpath, stat } from 'node:fs/promises'
import { dirname } from 'node:path'
import { type FileRead, type ReadFile, readRegularFile, readRegularFileAside } from './files.ts'

/** Files that are looked after. */
export interface WatchedFiles {
  /** Looks now. */
  check(): void
  /** No callback and no handle after this. */
  close(): void
}

/** When to look again, where a test does not wait for it. Nothing here keeps the process alive. */
interface Timer {
  after(delayMs: number, run: () => void): () => void
}

/**
 * Looks at files when something happens in their directories and has come to rest, and once a minute whatever happens,
 * for some volumes tell nobody. What counts is what the files hold, all of them together: neither an event nor a time
 * stamp is a change. They are read aside, as one generation: when a link (`..data` of Kubernetes) or a file changed
 * while they were read, they are read again.
 *
 * @param files absolute paths
 * @param changed called for the first look, which comes at once (what the caller has in hand may be older), and
 *   then for each change; with how to read these files as they were in that look. It must not throw
 */
export const watchFiles = (
  files: readonly string[],
  timer: Timer,
  changed: (readFile: ReadFile) => void,
): WatchedFiles => {
  let watchers: readonly FSWatcher[] = []
  let seen: string | undefined
  let busy = false
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
  /** @returns when to look again */
  const look = async (): Promise<number> => {
    for (let attempt = 0; attempt < mostAttempts && !closed; attempt++) {
      const before = await Promise.all(files.map(placeOf))
      // Before the reading: what is written in between is an event.
      const watched = arm(new Set([...files, ...before.map(({ path }) => path)].map((path) => dirname(path))))
      const read = new Map<string, FileRead>()
      for (const { file, path } of before) read.set(file, await readRegularFileAside(path))
      const after = await Promise.all(files.map(placeOf))
      if (closed || after.some(({ stamp }, index) => stamp !== before[index]?.stamp)) continue
      const now = fingerprintOf(read)
      if (now !== seen) {
        seen = now
        changed((path) => read.get(path) ?? readRegularFile(path))
      }
      return watched ? pollMs : blindPollMs
    }
    return restMs
  }
  const check = (): void => {
    forgetNotice()
    cancelPoll()
    asked = true
    if (!busy) void lookWhileAsked()
  }
  // One after the other: of two at once the older could be the last to end.
  const lookWhileAsked = async (): Promise<void> => {
    busy = true
    let nextMs = 0
    while (asked && !closed) {
      asked = false
      nextMs = await look()
    }
    busy = false
    if (!closed) cancelPoll = timer.after(nextMs, check)
  }
  check()
  return {
    check,
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

/** Of what was read, or why it was not. */
const fingerprintOf = (read: ReadonlyMap<string, FileRead>): string => {
  const hash = createHash('sha256')
  for (const one of read.values()) {
    hash.update(one.ok ? `${one.bytes.length} ` : `${one.fault}\n`)
    if (one.ok) hash.update(one.bytes)
  }
  return hash.digest('base64')
}
