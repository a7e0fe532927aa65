import { constants } from 'node:fs'
import { open } from 'node:fs/promises'
import { PasswordFault } from './redis-fault.ts'

/** More than any password: what is larger is the wrong file. */
const LARGEST_BYTES = 64 * 1024

/**
 * The password of a file, without one newline at its end. What is no regular file is refused and never waited for: a pipe
 * would hold a thread of the pool at every attempt to connect, and four of them stop every other file and name look-up of
 * the process.
 *
 * @throws {PasswordFault}
 */
export const readPassword = async (file: string): Promise<string> => {
  const read = (await readRegularFile(file)).replace(/\r?\n$/, '')
  if (read === '') throw new PasswordFault(`${file}: is empty`)
  return read
}

const readRegularFile = async (file: string): Promise<string> => {
  try {
    // Opening a pipe that nobody writes to would wait for ever.
    await using handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const status = await handle.stat()
    if (!status.isFile()) throw new PasswordFault(`${file}: is not a regular file`)
    if (status.size > LARGEST_BYTES) throw new PasswordFault(`${file}: is too large (more than 64 KiB)`)
    return await handle.readFile('utf8')
  } catch (error) {
    if (error instanceof PasswordFault) throw error
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    throw new PasswordFault(`${file}: cannot be read (${code})`)
  }
}
