import { createBreaker } from './breaker.ts'
import type { RedisOptions } from './redis-address.ts'
import { createRedisConnection, type RedisDeps } from './redis-connection.ts'
import { createRefusals } from './refusals.ts'
import type { Store, Stored, StoreOperation } from './store.ts'
import { lifetimeMs } from './ttl.ts'

/** How long a request may wait for the store. */
const DEADLINE_MS = 50

const gone: Stored<never> = { ok: false }

/**
 * A store that all replicas with the same Redis share. It is there at once and connects in the background, so a gateway
 * starts while Redis is down and finds it when it comes. While there is no connection every answer is a synchronous `{ ok:
 * false }`; otherwise it comes within 50 ms, or is `{ ok: false }`. An answer that is later is dropped: `putIfAbsent` may
 * have noted the key all the same, so that the same proof sent again can be refused; its caller fails closed either way.
 */
export const createRedisStore = (
  options: RedisOptions,
  deps: RedisDeps & {
    /** Milliseconds that only grow. */
    readonly monotonic: () => number
  },
): Store => {
  const { events } = deps
  const breaker = createBreaker(deps.monotonic)
  const connection = createRedisConnection(options, deps)
  const refusals = createRefusals(deps.monotonic, (op, why) =>
    events.refused(op, why === undefined ? undefined : `${connection.shown}: ${why}`),
  )

  /** @param read what a reply means; not ok: nothing that Redis says to this command */
  const call = <T>(
    op: StoreOperation,
    command: readonly string[],
    read: (reply: unknown) => Stored<T>,
  ): Stored<T> | Promise<Stored<T>> => {
    if (!(connection.isUp() && breaker.allows())) {
      events.operation(op, 'skipped')
      return gone
    }
    return new Promise((resolve) => {
      let waiting = true
      const settle = (result: 'ok' | 'timeout' | 'error', stored: Stored<T>): void => {
        waiting = false
        clearTimeout(timer)
        events.operation(op, result)
        resolve(stored)
      }
      const timer = setTimeout(() => {
        // One turn of the loop later: where it was us who were busy, the answer is here and only has to be read.
        setImmediate(() => {
          if (!waiting) return
          breaker.unanswered()
          settle('timeout', gone)
        })
      }, DEADLINE_MS)
      connection.ask(command).then((answer) => {
        if (!waiting) return
        // Also by an error reply or the end of the connection: both come at once.
        breaker.answered()
        const stored = answer.ok ? read(answer.reply) : gone
        settle(stored.ok ? 'ok' : 'error', stored)
        if (stored.ok) refusals.taken(op)
        else if (answer.ok) refusals.refused(op, 'its answer is none to this command')
        else if (answer.refused !== undefined) refusals.refused(op, answer.refused)
      })
    })
  }

  return {
    putIfAbsent: (key, ttlMs) =>
      call('put_if_absent', ['SET', key, '1', 'NX', 'PX', `${lifetimeMs(ttlMs)}`], wasAbsent),
    get: (key) => call('get', ['GET', key], asValue),
    set: (key, value, ttlMs) => call('set', ['SET', key, value, 'PX', `${lifetimeMs(ttlMs)}`], asDone),
    fault: connection.fault,
    close: connection.close,
  }
}

// Whatever is not one of the two replies of the command is no answer: a key is absent only if Redis says that it noted it.
const wasAbsent = (reply: unknown): Stored<boolean> => {
  if (reply === 'OK') return { ok: true, value: true }
  return reply === null ? { ok: true, value: false } : gone
}

const asValue = (reply: unknown): Stored<string | undefined> => {
  if (typeof reply === 'string') return { ok: true, value: reply }
  return reply === null ? { ok: true, value: undefined } : gone
}

const asDone = (reply: unknown): Stored<void> => (reply === 'OK' ? { ok: true, value: undefined } : gone)
