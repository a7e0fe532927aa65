import type { ReadFile } from '../../keys/regular-file.ts'

/** The content of a credential file without the line end that editors put there. The same object while it is the same. */
export interface Credential {
  readonly ok: true
  readonly text: string
}

export interface NoCredential {
  readonly ok: false
  /** Names the file and never its content. */
  readonly fault: string
}

/** How long a content counts before the file is read again. */
const freshMs = 1000

/**
 * Reads a secret when it is used, so that a replaced file counts within a second and needs no restart; not more often than
 * once a second, so that a flood does not read files. Never rejects.
 *
 * @param now milliseconds, on any clock that does not go back
 */
export const createCredentialFile = (
  file: string,
  now: () => number,
  readFile: ReadFile,
): (() => Credential | NoCredential | Promise<Credential | NoCredential>) => {
  let known: Credential | NoCredential | undefined
  let readAt = 0
  let flight: Promise<Credential | NoCredential> | undefined

  const read = async (): Promise<Credential | NoCredential> => {
    try {
      const content = await contentOf(file, readFile)
      if (!(content.ok && known?.ok && known.text === content.text)) known = content
      readAt = now()
      return known
    } finally {
      flight = undefined
    }
  }

  return () => {
    if (known !== undefined && now() - readAt < freshMs) return known
    flight ??= read()
    return flight
  }
}

const contentOf = async (file: string, readFile: ReadFile): Promise<Credential | NoCredential> => {
  const content = await readFile(file)
  if (!content.ok) return content
  const text = Buffer.from(content.bytes)
    .toString()
    .replace(/\r?\n$/, '')
  return text === '' ? { ok: false, fault: `${file}: is empty` } : { ok: true, text }
}
