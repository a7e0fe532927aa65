import { LRUCache } from 'lru-cache'
import type { Store, Stored, StoreEvents } from './store.ts'
import { lifetimeMs } from './ttl.ts'

/**
 * Marks held at once. Measured on Node 26 with keys of 50 characters: 126 to 155 bytes a mark, so 75 to 90 MiB. With
 * DPoP proofs that are good for 66 s it is enough for 9,000 requests a second.
 */
export const MARKS_AT_MOST = 600_000

/** Bytes of values held at once, by our estimate. */
export const VALUE_BYTES = 16 * 1024 * 1024

/** What an entry of a value weighs besides its characters, which count two bytes each. */
const ENTRY_OVERHEAD_BYTES = 300

/** Marks that end within the same second are dropped together: one look a second, and no timer. */
const SLOT_MS = 1000

export interface MemoryStoreOptions {
  readonly clock: { now(): number }
  /** Bound of `putIfAbsent`. */
  readonly marksAtMost: number
  /** Bound of `set`; a positive integer. */
  readonly valueBytes: number
  readonly events: StoreEvents
}

interface Value {
  readonly value: string
  readonly endsAt: number
}

/**
 * A store in this process: nobody shares it, and it ends with the process. Every answer is synchronous.
 *
 * A mark stays until its time is over: whoever could push marks out by making others could replay what they stood for.
 * So a store that is full of marks notes no new one and says so, which its caller takes as a store that is gone. Values
 * may go at any time, the least recently used first.
 */
export const createMemoryStore = ({ clock, marksAtMost, valueBytes, events }: MemoryStoreOptions): Store => {
  const marks = createMarks(marksAtMost, clock.now())
  const values = new LRUCache<string, Value>({
    maxSize: valueBytes,
    sizeCalculation: ({ value }, key) => ENTRY_OVERHEAD_BYTES + 2 * (key.length + value.length),
  })
  let closed = false

  return {
    putIfAbsent(key, ttlMs) {
      if (closed) return skipped(events, 'put_if_absent')
      const now = clock.now()
      const noted = marks.note(key, now, now + lifetimeMs(ttlMs))
      events.operation('put_if_absent', noted === undefined ? 'full' : 'ok')
      return noted === undefined ? { ok: false } : { ok: true, value: noted }
    },
    get(key) {
      if (closed) return skipped(events, 'get')
      const found = values.get(key)
      const live = found !== undefined && found.endsAt > clock.now()
      if (found !== undefined && !live) values.delete(key)
      events.operation('get', 'ok')
      return { ok: true, value: live ? found.value : undefined }
    },
    set(key, value, ttlMs) {
      if (closed) return skipped(events, 'set')
      values.set(key, { value, endsAt: clock.now() + lifetimeMs(ttlMs) })
      events.operation('set', 'ok')
      return { ok: true, value: undefined }
    },
    fault: async () => {
      if (closed) return 'it is closed'
      return marks.isFull(clock.now()) ? `it holds ${marksAtMost} marks, and no more fit` : undefined
    },
    close: async () => {
      closed = true
      marks.clear()
      values.clear()
    },
  }
}

const skipped = (events: StoreEvents, op: 'put_if_absent' | 'get' | 'set'): Stored<never> => {
  events.operation(op, 'skipped')
  return { ok: false }
}

/** Keys with an end, dropped by the second in which they end: constant work for each, however many there are. */
const createMarks = (atMost: number, start: number) => {
  const ends = new Map<string, number>()
  const slots = new Map<number, string[]>()
  /** Of keys in slots: one that ended and came again before its slot was dropped counts twice. */
  let held = 0
  let dropped = slotOf(start)

  const drop = (slot: number, now: number): void => {
    const keys = slots.get(slot)
    if (keys === undefined) return
    slots.delete(slot)
    held -= keys.length
    for (const key of keys) if ((ends.get(key) ?? 0) <= now) ends.delete(key)
  }

  const purge = (now: number): void => {
    const current = slotOf(now)
    if (current - dropped > slots.size) {
      for (const slot of slots.keys()) if (slot < current) drop(slot, now)
    } else {
      for (let slot = dropped; slot < current; slot++) drop(slot, now)
    }
    // Also backwards, after a clock that was wrong: what is noted from then on must be found again.
    dropped = current
  }

  return {
    /** True: noted; false: it is there; undefined: no room. */
    note(key: string, now: number, endsAt: number): boolean | undefined {
      purge(now)
      if ((ends.get(key) ?? 0) > now) return false
      if (held >= atMost) return undefined
      const slot = slotOf(endsAt)
      const keys = slots.get(slot)
      if (keys === undefined) slots.set(slot, [key])
      else keys.push(key)
      ends.set(key, endsAt)
      held++
      return true
    },
    isFull(now: number): boolean {
      purge(now)
      return held >= atMost
    },
    clear(): void {
      ends.clear()
      slots.clear()
      held = 0
    },
  }
}

const slotOf = (time: number): number => Math.floor(time / SLOT_MS)
