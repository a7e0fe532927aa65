import type { RedisLibrary } from './redis-client.ts'

/**
 * Why Redis could not be asked, in words of ours and codes of the system. Error texts are not passed on: an answer of
 * Redis may quote the key or the user, and an error of TLS the certificate.
 */
export const redisFault = (error: unknown, library: RedisLibrary): string => {
  if (error instanceof library.ErrorReply)
    return `it answered ${/^[A-Z]{1,20}\b/.exec(error.message)?.[0] ?? 'an error'}`
  if (error instanceof library.ConnectionTimeoutError) return 'no connection in time'
  if (error instanceof library.SocketTimeoutError) return 'no answer in time'
  if (error instanceof library.SocketClosedUnexpectedlyError) return 'it closed the connection'
  if (error instanceof PasswordFault) return error.message
  if (error instanceof Error && 'code' in error && typeof error.code === 'string') return error.code
  return 'the connection failed'
}

/** The password file is of no use. The message names the file and holds nothing of its content. */
export class PasswordFault extends Error {}
