import { setFlagsFromString } from 'node:v8'
import { runInNewContext } from 'node:vm'

/**
 * Collects garbage now. Called once between the parsing and the compiling of a large file: left to itself, V8 keeps the
 * parser's hundreds of megabytes until the compiling has asked for as many again (measured with 10,000 upstreams: peak
 * 455 MB without, 326 MB with, for 80 ms).
 */
export const reclaim = (): void => {
  setFlagsFromString('--expose-gc')
  const collect: unknown = runInNewContext('globalThis.gc')
  if (typeof collect === 'function') collect()
}
