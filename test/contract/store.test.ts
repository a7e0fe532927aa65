import { createMemoryStore } from '../../src/store/memory.ts'
import { startRedisStore } from '../store/redis-setup.ts'
import { createManualClock } from '../support/manual-clock.ts'
import { startRedis } from '../support/redis.ts'
import { recordStoreEvents } from '../support/store-events.ts'
import { storeContract } from './store.ts'

storeContract('memory', async (t) => {
  const clock = createManualClock()
  const events = recordStoreEvents()
  const store = createMemoryStore({ clock, events, marksAtMost: 1000, valueBytes: 1 << 20 })
  t.after(() => store.close())
  return { store, events, pass: clock.advance }
})

storeContract('redis', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return undefined
  const { store, events } = startRedisStore(t, redis.url)
  await store.fault()
  return { store, events, pass: () => undefined }
})
