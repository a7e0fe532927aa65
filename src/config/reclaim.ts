import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects garbage now. Called once between the parsing and the compiling of a large file: left to itself, V8 keeps the
 * parser's hundreds of megabytes until the compiling has asked for as many again (measured with 10,000 upstreams: peak
 * 455 MB without, 326 MB with, for 80 ms).
 */
export const reclaim = (): void => collector()?.()

/**
 * Collects garbage and gives its memory back to the system. Called once behind a start, whose code and data are mostly
 * used once: a gateway that waits then holds 78 MB and not 88 (measured), for 30 ms in which it answers nobody.
 */
export const giveBack = (): void => collector()?.({ type: 'major', execution: 'sync', flavor: 'last-resort' })

const collector = (): ((options?: object) => void) | undefined => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect !== 'function') return undefined
  // An argument that says nothing would make it another kind of collection.
  return (options) => (options ? collect(options) : collect())
}
