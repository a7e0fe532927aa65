import { type RedisAddress, type RedisOptions, redisAddress } from './redis-address.ts'
import { createRedisClient, type RedisClient, type RedisLibrary } from './redis-client.ts'
import { redisFault } from './redis-fault.ts'
import type { StoreEvents } from './store.ts'

/** How often it is asked whether it is there, whether anybody has a question or not. */
const PING_MS = 100

/** Who does not answer for that long is frozen or gone. */
const SILENCE_MS = 400

/** The n-th attempt in a row comes n times as late, up to a second, plus jitter so that replicas do not come at once. */
const RETRY_MS = 50
const LONGEST_RETRY_MS = 1000
const JITTER_MS = 100

/** A write that leaves nothing behind: PING is answered by those too who take no write. */
const PROBE = ['SET', 'ag:probe', '1', 'PX', '1']

/** For `fault` right after the start: longer than the first attempt takes, the loading of the client included. */
const FIRST_ATTEMPT_MS = 10_000

export interface RedisDeps {
  readonly events: StoreEvents
  /** `after` calls `run` once, later, unless the function it returned was called before; keeps no process alive. */
  readonly clock: { after(delayMs: number, run: () => void): () => void }
  /** In [0, 1) */
  readonly random: () => number
}

/** What came of a command; `refused` in words that may be shown, undefined where the connection ended. */
export type Answer =
  | { readonly ok: true; readonly reply: unknown }
  | { readonly ok: false; readonly refused: string | undefined }

/** One connection to a Redis, kept up until it is closed. */
export interface RedisConnection {
  isUp(): boolean
  /** `host:port` */
  readonly shown: string
  /** Never rejects. */
  ask(command: readonly string[]): Promise<Answer>
  /** As in `Store`. */
  fault(): Promise<string | undefined>
  close(): Promise<void>
}

/**
 * Connects in the background, at once and again whenever the connection ends, and calls it up only when a PING was
 * answered: a frozen server still accepts connections. Never throws. Does not keep the process alive. Reconnecting is
 * done here and not by node-redis, whose wait cannot be cancelled.
 */
export const createRedisConnection = (options: RedisOptions, { events, clock, random }: RedisDeps): RedisConnection => {
  const address = redisAddress(options)
  const shown = address?.shown ?? 'store'
  let client: RedisClient | undefined
  let ask = async (_: readonly string[]): Promise<Answer> => ({ ok: false, refused: undefined })
  let closed = false
  let established = false
  /** Why it is not up. Undefined: it is up, or nothing is known yet. */
  let why: string | undefined
  let said: 'connected' | 'lost' | undefined
  let failures = 0
  let cancel = (): unknown => undefined
  const known = Promise.withResolvers<void>()

  const turn = (fault: string | undefined): void => {
    if (closed) return
    why = fault
    known.resolve()
    const state = fault === undefined ? 'connected' : 'lost'
    if (state === said) return
    said = state
    events.connection(state, fault === undefined ? shown : `${shown}: ${fault}`)
  }

  const start = async (): Promise<void> => {
    if (address === undefined) return turn('its URL cannot be read')
    try {
      // Only here: who configures no Redis does not load its client.
      const library = await import('@redis/client')
      if (!closed) keepUp(library, address)
    } catch {
      turn('its client cannot be started')
    }
  }

  const keepUp = (library: RedisLibrary, to: RedisAddress): void => {
    const current = createRedisClient(library, to, options)
    client = current
    /** The last connection ended at a replica: the next one is not up before it took a write. */
    let demoted = false

    const ended = (fault: string): void => {
      established = false
      turn(fault)
      if (closed) return
      failures++
      cancel()
      cancel = clock.after(Math.min(RETRY_MS * failures, LONGEST_RETRY_MS) + random() * JITTER_MS, connect)
    }

    const connect = (): void => {
      // An attempt that fails ends here, a connection that was established at `terminated`.
      current.connect().catch((error: unknown) => ended(redisFault(error, library)))
    }

    const renew = (fault: string): void => {
      current.destroy()
      ended(fault)
    }

    ask = async (command) => {
      try {
        return { ok: true, reply: await current.sendCommand([...command]) }
      } catch (error) {
        if (!(error instanceof library.ErrorReply)) return { ok: false, refused: undefined }
        const refused = redisFault(error, library)
        if (!error.message.startsWith('READONLY ')) return { ok: false, refused }
        // After a failover: the name may stand for another server by now, which only a new connection finds. Others of
        // these answers may have been in the same packet.
        demoted = true
        if (established) renew(refused)
        return { ok: false, refused: undefined }
      }
    }

    /** Gives the connection up where nobody answers. */
    const askInTime = async (command: readonly string[]): Promise<Answer> => {
      let waiting = true
      const late = (): void => {
        // One turn of the loop later: where it was us who were busy, the answer is here and only has to be read.
        setImmediate(() => {
          if (waiting && established && !closed) renew('no answer in time')
        })
      }
      const timer = setTimeout(late, SILENCE_MS).unref()
      const answer = await ask(command)
      waiting = false
      clearTimeout(timer)
      return answer
    }

    const ping = async (): Promise<void> => {
      if (demoted) {
        const probed = await askInTime(PROBE)
        if (!probed.ok && probed.refused === undefined) return
        demoted = false
      }
      const answer = await askInTime(['PING'])
      // The end of the connection came by another way, if in the same packet as this answer.
      if (!established || !(answer.ok || answer.refused)) return
      // It is there and cannot be used: LOADING, NOAUTH.
      if (!answer.ok) turn(answer.refused)
      else {
        failures = 0
        turn(undefined)
      }
      pingLater()
    }

    const pingLater = (): void => {
      cancel()
      cancel = closed || !established ? () => undefined : clock.after(PING_MS, () => void ping())
    }

    current.on('ready', () => {
      established = true
      void ping()
    })
    current.on('terminated', (error: unknown) => {
      if (established) ended(redisFault(error, library))
    })
    // A socket that was being opened when the client was destroyed is handed over all the same.
    current.on('connect', () => {
      if (closed) current.destroy()
    })
    // Without a listener this event would end the process. Most of what it tells came to `ended` already; while the
    // connection stands it says that the answers cannot be read, and the next one might be that to another question.
    current.on('error', () => {
      if (closed || !established || !current.isOpen) return
      renew('it does not speak the protocol of Redis')
    })
    connect()
  }

  const isUp = (): boolean => said === 'connected' && !closed

  void start()

  return {
    shown,
    isUp,
    ask: (command) => ask(command),
    fault: async () => {
      if (closed) return 'it is closed'
      if (!isUp()) await within(known.promise, FIRST_ATTEMPT_MS)
      const probed = isUp() ? await within(ask(PROBE), SILENCE_MS) : undefined
      if (probed?.ok === false && probed.refused !== undefined) return `${shown}: ${probed.refused} to a write`
      return isUp() && probed?.ok ? undefined : `${shown}: ${why ?? 'no answer in time'}`
    },
    close: async () => {
      closed = true
      cancel()
      client?.destroy()
    },
  }
}

/** What the promise comes to within that time, or undefined. The timer, unlike the connection, keeps a process alive. */
const within = <T>(promise: Promise<T>, withinMs: number): Promise<T | undefined> =>
  new Promise((resolve) => {
    const timer = setTimeout(() => resolve(undefined), withinMs)
    promise.then((value) => {
      clearTimeout(timer)
      resolve(value)
    })
  })
