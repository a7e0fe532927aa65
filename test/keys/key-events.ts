import type { KeyEvents, KeyReport } from '../../src/keys/key-source.ts'

/** Keeps what a key source reported, and lets a test wait for the next fetch. */
export interface RecordedEvents extends KeyEvents {
  readonly fetches: string[]
  readonly messages: string[]
  readonly reports: KeyReport[]
  readonly dropped: string[]
  readonly warnings: string[]
  unknownKids: number
  /** Settles when so many fetches have been reported in all. */
  fetchCount(count: number): Promise<void>
  warningCount(count: number): Promise<void>
}

export const recordEvents = (): RecordedEvents => {
  const waiting = new Set<{ readonly ready: () => boolean; readonly resolve: () => void }>()
  const check = (): void => {
    for (const waiter of waiting) {
      if (!waiter.ready()) continue
      waiting.delete(waiter)
      waiter.resolve()
    }
  }
  const until = (ready: () => boolean) =>
    new Promise<void>((resolve) => {
      waiting.add({ ready, resolve })
      check()
    })
  const events: RecordedEvents = {
    fetches: [],
    messages: [],
    reports: [],
    dropped: [],
    warnings: [],
    unknownKids: 0,
    fetchCount: (count) => until(() => events.reports.length > 0 && events.fetches.length >= count),
    warningCount: (count) => until(() => events.warnings.length >= count),
    fetched: (_, result, message) => {
      events.fetches.push(result)
      if (message !== undefined) events.messages.push(message)
      // The source goes on to plan the next fetch in the same turn; a test looks after that.
      queueMicrotask(check)
    },
    stateChanged: (_, report) => events.reports.push(report),
    unknownKid: () => {
      events.unknownKids += 1
    },
    keyDropped: (_, kid, why) => events.dropped.push(`${kid ?? '-'}: ${why}`),
    warned: (_, message) => {
      events.warnings.push(message)
      check()
    },
  }
  return events
}
