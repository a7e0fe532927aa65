import type { RedisAddress, RedisOptions } from './redis-address.ts'
import { readPassword } from './redis-password.ts'

export type RedisLibrary = typeof import('@redis/client')
export type RedisClient = ReturnType<typeof createRedisClient>

/** Longest silence while connecting. */
const CONNECT_MS = 500

/**
 * Longest silence on a connection. Whoever uses it must ask more often than that, or it ends. It is for what comes before
 * anybody can ask; who asks has to set himself a shorter one, since this one is judged before what has arrived is read.
 */
const SILENCE_MS = 2000

/** node-redis with our time limits. It does not reconnect, and it does not keep the process alive. */
export const createRedisClient = (
  library: RedisLibrary,
  { host, port, tls, servername, database, username, password }: RedisAddress,
  { passwordFile, ca }: RedisOptions,
) => {
  const timing = {
    host,
    port,
    connectTimeout: CONNECT_MS,
    socketTimeout: SILENCE_MS,
    keepAlive: true,
    reconnectStrategy: false,
  } as const
  const client = library.createClient({
    // The commands we send are as old as Redis 2.6.12; the newer protocol gains nothing, and not every proxy speaks it.
    RESP: 2,
    database,
    disableOfflineQueue: true,
    disableClientInfo: true,
    maintNotifications: 'disabled',
    // Ours is shorter, and theirs costs an AbortSignal a call.
    commandOptions: { timeout: 0 },
    credentialsProvider: {
      type: 'async-credentials-provider',
      credentials: async () => ({
        ...(username === undefined ? {} : { username }),
        ...(await passwordOf(passwordFile, password)),
      }),
    },
    socket: tls
      ? {
          ...timing,
          tls: true,
          // Said aloud, so that no environment variable can turn it off.
          rejectUnauthorized: true,
          ...(servername === undefined ? {} : { servername }),
          ...(ca === undefined ? {} : { ca }),
        }
      : timing,
  })
  client.unref()
  return client
}

/** Read at every connection, so that a password may change without a restart. */
const passwordOf = async (
  file: string | undefined,
  password: string | undefined,
): Promise<{ readonly password?: string }> => {
  if (file === undefined) return password === undefined ? {} : { password }
  return { password: await readPassword(file) }
}
