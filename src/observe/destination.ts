import { closeSync, openSync, write as writeAsync, writeSync } from 'node:fs'

/** Where finished lines go. */
export interface Destination {
  /** Takes whole lines, printable ASCII. Never blocks, never throws. */
  write(lines: string): void
  /** Writes out what is held, synchronously, within two seconds: for the exit path of a process. */
  flushSync(): void
  /** Resolves when everything is written or can no longer be, within two seconds. */
  close(): Promise<void>
}

/** Size of one write: what a pipe holds. */
const BATCH = 64 * 1024
const FLUSH_MS = 100
/** A reader that does not read costs this much memory and then lines, never the loop (log flood, attacks 2.6). */
const HELD_AT_MOST = 16 * 1024 * 1024
const CLOSE_MS = 2000
const LONGEST_PAUSE_MS = 100

/**
 * Batches lines and writes one batch at a time in libuv's thread pool; a line waits at most 100 ms. When the reader is
 * gone or the disk is full, lines are lost and the gateway goes on.
 *
 * Not pino's destination: on a standard output that does not block, which `process.stdout` makes of every pipe, that one
 * sleeps 100 ms whenever the pipe is full, which is 640 kB/s, and measured costs per line what the whole line costs.
 *
 * @param target file descriptor or file name
 * @param lost told how many lines were lost, once the reader reads again
 */
export const createDestination = (target: number | string, lost: (lines: number) => void): Destination => {
  const descriptor = typeof target === 'number' ? target : openSync(target, 'a')
  // Lines are copied as they come: kept as text they would live until the batch is full, and be collected expensively.
  let held = Buffer.allocUnsafe(BATCH)
  let heldBytes = 0
  const waiting: Buffer[] = []
  let waitingBytes = 0
  /** The batch being written, and whether a thread has it right now. */
  let current: Buffer | undefined
  let inFlight = false
  let pauseMs = 1
  let dropped = 0
  let gone = false
  let closed = false
  let idle: (() => void) | undefined

  const handOver = (): void => {
    if (heldBytes === 0) return
    const batch = held.subarray(0, heldBytes)
    heldBytes = 0
    if (gone) return
    held = Buffer.allocUnsafe(BATCH)
    if (waitingBytes + batch.length > HELD_AT_MOST) {
      for (let at = batch.indexOf(0x0a); at !== -1; at = batch.indexOf(0x0a, at + 1)) dropped++
      return
    }
    waiting.push(batch)
    waitingBytes += batch.length
    if (current === undefined) next()
  }

  const next = (): void => {
    current = waiting.shift()
    if (current !== undefined) {
      waitingBytes -= current.length
      writeCurrent()
    } else {
      idle?.()
    }
  }

  const writeCurrent = (): void => {
    if (current === undefined || inFlight) return
    inFlight = true
    writeAsync(descriptor, current, (error, written) => {
      inFlight = false
      if (error !== null) {
        failed(error)
        return
      }
      pauseMs = 1
      if (current !== undefined && written < current.length) {
        current = current.subarray(written)
        writeCurrent()
        return
      }
      if (dropped > 0) {
        const lines = dropped
        dropped = 0
        lost(lines)
      }
      next()
    })
  }

  const failed = ({ code }: NodeJS.ErrnoException): void => {
    if (code === 'EPIPE' || code === 'EBADF') {
      gone = true // nobody will ever read: `audgate serve | head`
      waiting.length = 0
      waitingBytes = 0
      current = undefined
      idle?.()
      return
    }
    // EAGAIN: the pipe is full. ENOSPC, EIO: it may mend.
    setTimeout(writeCurrent, pauseMs).unref()
    pauseMs = Math.min(pauseMs * 2, LONGEST_PAUSE_MS)
  }

  // Lines come in at any time; the timer runs only while some are held, and never keeps the process.
  const timer = setTimeout(handOver, FLUSH_MS)
  timer.unref()

  const flushSync = (): void => {
    handOver()
    const deadline = performance.now() + CLOSE_MS
    if (inFlight) sleep(20) // its thread is a moment from done; there is no way to ask
    if (!inFlight && current !== undefined) waiting.unshift(current)
    if (!inFlight) current = undefined
    const batches = waiting.splice(0)
    waitingBytes = 0
    batches.every((batch) => writeAll(descriptor, batch, deadline))
  }
  process.once('exit', flushSync)

  return {
    write: (lines) => {
      if (heldBytes + lines.length > held.length) handOver()
      if (heldBytes === 0) timer.refresh()
      if (lines.length > held.length) held = Buffer.allocUnsafe(lines.length)
      heldBytes += held.write(lines, heldBytes, 'latin1')
      if (closed) flushSync()
    },
    flushSync,
    close: async () => {
      clearTimeout(timer)
      handOver()
      if (current !== undefined) {
        await new Promise<void>((resolve) => {
          const limit = setTimeout(resolve, CLOSE_MS)
          idle = () => {
            clearTimeout(limit)
            resolve()
          }
        })
      }
      closed = true
      process.removeListener('exit', flushSync)
      if (typeof target === 'number' || inFlight) return
      gone = true
      closeSync(descriptor)
    },
  }
}

const writeAll = (descriptor: number, batch: Buffer, deadline: number): boolean => {
  let rest = batch
  while (rest.length > 0) {
    try {
      rest = rest.subarray(writeSync(descriptor, rest))
    } catch (error) {
      const busy = (error as NodeJS.ErrnoException).code === 'EAGAIN' // what node:fs throws is one
      if (!busy || performance.now() > deadline) return false
      sleep(5)
    }
  }
  return true
}

const sleep = (ms: number): void => {
  Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0, ms)
}
