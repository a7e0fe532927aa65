import type { TestContext } from 'node:test'
import { systemClock } from '../../src/keys/clock.ts'
import { createRedisStore } from '../../src/store/redis.ts'
import type { RedisOptions } from '../../src/store/redis-address.ts'
import type { Store } from '../../src/store/store.ts'
import { eventually } from '../support/eventually.ts'
import { type RecordedStoreEvents, recordStoreEvents } from '../support/store-events.ts'

export interface RedisStage {
  readonly store: Store
  readonly events: RecordedStoreEvents
  /** Resolves as soon as the connection is up, or down. */
  connected(): Promise<void>
  lost(): Promise<void>
}

/** A store on that Redis, with real time, closed with the test. It is not waited for. */
export const startRedisStore = (
  t: TestContext,
  url: string,
  options: Partial<Omit<RedisOptions, 'kind' | 'url'>> = {},
): RedisStage => {
  const events = recordStoreEvents()
  const store = createRedisStore(
    { kind: 'redis', url, username: undefined, passwordFile: undefined, ca: undefined, ...options },
    { events, clock: systemClock, random: Math.random, monotonic: () => performance.now() },
  )
  t.after(() => store.close())
  const said = (word: string) => () => events.connections.at(-1)?.startsWith(`${word} `) === true
  return {
    store,
    events,
    connected: () => eventually('the store is connected', said('connected')),
    lost: () => eventually('the store is lost', said('lost')),
  }
}
