import { constants } from 'node:fs'
import { type FileHandle, open } from 'node:fs/promises'

export type FileContent =
  | { readonly ok: true; readonly bytes: Uint8Array }
  /** Names the file and never its content. */
  | { readonly ok: false; readonly fault: string }

/** How a file of the operator's is read while the gateway runs. Never rejects. */
export type ReadFile = (file: string) => Promise<FileContent>

/** Keys and secrets are small; whatever is longer is not one. */
const longestFile = 1024 * 1024

/**
 * Reads a whole regular file of at most 1 MiB, or says in the system's word why it cannot be had. A pipe or a device in
 * its place is refused and never waited for: who can rename a file must not be able to stop requests or the shutdown.
 */
export const readRegularFile: ReadFile = async (file) => {
  const broken = (fault: string): FileContent => ({ ok: false, fault: `${file}: ${fault}` })
  let handle: FileHandle | undefined
  try {
    // Opening a pipe that nobody writes to would wait for ever.
    handle = await open(file, constants.O_RDONLY | constants.O_NONBLOCK)
    const status = await handle.stat()
    if (status.isDirectory()) return broken('cannot be read (EISDIR)')
    if (!status.isFile()) return broken('is not a regular file')
    const bytes = await readAtMost(handle, longestFile)
    return bytes === undefined ? broken('is too large (more than 1 MiB)') : { ok: true, bytes }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    return broken(`cannot be read (${code})`)
  } finally {
    // What was read is read: network file systems may find a fault only now.
    await handle?.close().catch(() => undefined)
  }
}

/** Read and not asked for: a file can grow, and those of `/proc` say that they are empty. */
const readAtMost = async (handle: FileHandle, limit: number): Promise<Uint8Array | undefined> => {
  const chunks: Uint8Array[] = []
  for (let length = 0; length <= limit; ) {
    const { bytesRead, buffer } = await handle.read({ buffer: Buffer.alloc(Math.min(64 * 1024, limit + 1 - length)) })
    if (bytesRead === 0) return Buffer.concat(chunks)
    chunks.push(buffer.subarray(0, bytesRead))
    length += bytesRead
  }
  return undefined
}
