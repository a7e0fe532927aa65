import type { HealthCheckOptions } from './options.ts'

/** What the active checks of one replica have found. */
export interface HealthWatch {
  /** True until enough checks in a row have failed. */
  readonly healthy: () => boolean
  /** No further check, and nothing is made of an answer that is still awaited. */
  close(): void
}

/**
 * Asks a replica within a second, and again an interval after each answer. A late answer is the caller's to end: `ask`
 * gets the time that it may take, never rejects, and resolves with `good`, with why it is not, or with undefined: nothing
 * was learned, and it counts neither way.
 *
 * @param events told of every change, with the answer that brought it about; not of the state at the start
 * @param random from 0 to 1: when the first check comes; and up to a tenth of each interval is left out, so that many
 *   replicas do not stay in step
 */
export const watchHealth = (
  check: HealthCheckOptions,
  ask: (timeoutMs: number) => Promise<'good' | string | undefined>,
  events: { changed(healthy: boolean, detail: string): void },
  clock: { after(ms: number, run: () => void): () => void },
  random: () => number = Math.random,
): HealthWatch => {
  let healthy = true
  // Answers in a row that speak against the present state.
  let against = 0
  let closed = false

  const judge = (answer: string): void => {
    if ((answer === 'good') === healthy) {
      against = 0
      return
    }
    against++
    if (against < (healthy ? check.unhealthy : check.healthy)) return
    healthy = !healthy
    against = 0
    events.changed(healthy, answer)
  }
  const run = async (): Promise<void> => {
    const answer = await ask(check.timeoutMs)
    if (closed) return
    if (answer !== undefined) judge(answer)
    // Whoever heard of the change may have closed it.
    if (!closed) cancel = clock.after(check.intervalMs * (1 - random() / 10), () => void run())
  }
  // Ten thousand replicas are not all asked in the moment of the start.
  let cancel = clock.after(random() * Math.min(check.intervalMs, firstWithinMs), () => void run())

  return {
    healthy: () => healthy,
    close: () => {
      closed = true
      cancel()
    },
  }
}

const firstWithinMs = 1000
