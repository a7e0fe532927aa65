import { createMemoryStore, MARKS_AT_MOST, VALUE_BYTES } from './memory.ts'
import type { StoreOptions } from './options.ts'
import { createRedisStore } from './redis.ts'
import type { Store, StoreEvents } from './store.ts'

export interface StoreDeps {
  readonly events: StoreEvents
  /** `after` calls `run` once, later, unless the function it returned was called before; keeps no process alive. */
  readonly clock: {
    /** Milliseconds since the epoch. */
    now(): number
    after(delayMs: number, run: () => void): () => void
  }
  /** In [0, 1): spreads attempts to connect. */
  readonly random: () => number
  /** Milliseconds that only grow. */
  readonly monotonic: () => number
}

/** The store of one gateway, by the word in the config. It is there at once, and has to be closed. */
export const createStore = (options: StoreOptions, deps: StoreDeps): Store => {
  switch (options.kind) {
    case 'memory':
      return createMemoryStore({ ...deps, marksAtMost: MARKS_AT_MOST, valueBytes: VALUE_BYTES })
    case 'redis':
      return createRedisStore(options, deps)
  }
}
