/** Those who wait, in order of arrival. */
export interface Queue<T> {
  size(): number
  /** Waits no longer than `waitMs`. False: it is full. Nobody is in it twice. */
  join(one: T, waitMs: number): boolean
  /** False: not in it. */
  leave(one: T): boolean
  /** The first one first; who is met may leave. */
  all(): Iterable<T>
  /** Everyone is overdue. */
  clear(): void
}

/**
 * A bounded queue in which nobody waits for ever.
 *
 * @param overdue called for whoever has waited as long as he may, and is in it no more
 * @param after runs something once after so many milliseconds, unless the function returned is called before
 */
export const createQueue = <T>(
  atMost: number,
  overdue: (one: T) => void,
  after: (ms: number, run: () => void) => () => void,
): Queue<T> => {
  // With how to stop the clock of each.
  const waiting = new Map<T, () => void>()
  const leave = (one: T): boolean => {
    waiting.get(one)?.()
    return waiting.delete(one)
  }
  const expire = (one: T): void => {
    if (leave(one)) overdue(one)
  }
  return {
    size: () => waiting.size,
    join: (one, waitMs) => {
      if (waiting.size >= atMost) return false
      waiting.set(
        one,
        after(waitMs, () => expire(one)),
      )
      return true
    },
    leave,
    all: () => waiting.keys(),
    clear: () => {
      for (const one of waiting.keys()) expire(one)
    },
  }
}
