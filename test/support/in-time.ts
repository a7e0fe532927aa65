/**
 * Whether the promise settles before a timer of that many milliseconds which is started now. Both are late where this
 * machine is busy, and in the order in which they are due, so that the limit is for the code and not for the machine.
 */
export const inTime = async (ms: number, promise: Promise<unknown>): Promise<boolean> => {
  const late = new Promise<boolean>((resolve) => {
    setTimeout(() => {
      // What was due in the same turn of the loop, or arrived in it, comes first.
      setImmediate(() => setImmediate(() => setImmediate(() => resolve(false))))
    }, ms)
  })
  return Promise.race([promise.then(() => true), late])
}
