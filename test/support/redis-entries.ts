import type { TestRedis } from './redis.ts'

/** What anybody who reads a Redis sees of us. */
export interface RedisEntry {
  readonly key: string
  readonly value: string
  /** Milliseconds; -1: it stays. */
  readonly ttlMs: number
}

/** Every entry of every database, but those of probes, which last a millisecond. For keys without spaces. */
export const entriesOf = async (redis: TestRedis): Promise<readonly RedisEntry[]> => {
  const keys = [...(await redis.tell('KEYS *')).matchAll(/^(?![*$])(\S+)\r?$/gm)].map(([, key]) => key ?? '')
  const kept = keys.filter((key) => key !== '' && key !== 'ag:probe')
  return Promise.all(
    kept.map(async (key) => ({
      key,
      value: /^\$\d+\r\n([\s\S]*)$/.exec(await redis.tell(`GET ${key}`))?.[1] ?? '',
      ttlMs: Number((await redis.tell(`PTTL ${key}`)).slice(1)),
    })),
  )
}
