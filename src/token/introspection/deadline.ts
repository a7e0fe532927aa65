/** Work that must end with a time, whatever it waits for. */
export const inTime = async <T>(timeoutMs: number, work: (signal: AbortSignal) => Promise<T>): Promise<T> => {
  const stop = new AbortController()
  const timer = setTimeout(() => stop.abort(), timeoutMs)
  try {
    return await work(stop.signal)
  } finally {
    clearTimeout(timer)
  }
}

/** What comes of a part of it, or `late` when the time is over; what that part comes to afterwards is dropped. */
export const unlessLate = async <T>(signal: AbortSignal, part: Promise<T> | T, late: T): Promise<T> => {
  if (signal.aborted) return late
  let abort = (): void => undefined
  const over = new Promise<T>((resolve) => {
    abort = () => resolve(late)
    signal.addEventListener('abort', abort)
  })
  try {
    return await Promise.race([part, over])
  } finally {
    signal.removeEventListener('abort', abort)
  }
}
