import { getHeapStatistics } from 'node:v8'
import { reclaim } from './reclaim.ts'

/**
 * Why a text had better not be parsed, or undefined: what is made of it would not fit into the heap, and V8 ends a process
 * whose heap is full, which nobody can catch. A gateway that runs keeps its config for that.
 *
 * What it takes is estimated from what stands in the text, generously. Small ones always fit.
 *
 * @param heapLimit in bytes, of the process that is to run it
 */
export const memoryFault = (text: string, heapLimit = getHeapStatistics().heap_size_limit): string | undefined => {
  if (text.length < smallText) return undefined
  const need = text.length * perCharacter + marksOf(text) * perMark
  const free = (): number => heapLimit - youngBytes - getHeapStatistics().used_heap_size
  if (need <= free()) return undefined
  // What is only waiting to be collected is free as well.
  reclaim()
  const left = free()
  if (need <= left) return undefined
  const mb = (bytes: number): number => Math.max(Math.ceil(bytes / 1e6), 0)
  return `the config does not fit into the memory: it takes some ${mb(need)} MB, and ${mb(left)} MB of the heap are free`
}

/** The limit of a process that has a part of what this one may keep: the youngest objects are not divided. */
export const heapLimitOf = (part: number): number =>
  (getHeapStatistics().heap_size_limit - youngBytes) * part + youngBytes

/** In characters. */
const smallText = 64 * 1024

/** Each begins or ends something that becomes an object, or a few. */
const marksOf = (text: string): number => {
  let marks = 0
  for (let at = 0; at < text.length; at++) {
    const code = text.charCodeAt(at)
    // In flow style nothing but the comma stands between two.
    if (code === 44) marks += 2
    // Newline, bracket, brace, and a colon or a dash with a blank behind it.
    else if (code === 10 || code === 91 || code === 123) marks++
    else if ((code === 58 || code === 45) && text.charCodeAt(at + 1) === 32) marks++
  }
  return marks
}

/** Measured with Node 26: the smallest heap that loads a config, less what was in use, over several kinds of config. */
const perCharacter = 12
const perMark = 600
/**
 * What V8 counts into the limit of the heap for its youngest objects, three semi-spaces of their largest size: nothing
 * that lasts is kept there. V8 tells it nowhere; measured, it is 32 MiB each since Node 26 and 64 before.
 */
const youngBytes = 3 * (Number.parseInt(process.versions.node, 10) < 26 ? 64 : 32) * 1024 * 1024
