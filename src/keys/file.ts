import { readFile } from 'node:fs/promises'
import type { Read } from './fixed.ts'
import { readJsonObject } from './json-object.ts'

/** The key set in a file of the operator's. */
export const readJwksFile = async (file: string): Promise<Read> => {
  const content = await readKeyFile(file)
  if (!content.ok) return content
  const keys = readJsonObject(content.bytes)?.keys
  return Array.isArray(keys)
    ? { ok: true, keys }
    : { ok: false, fault: `${file}: is not a JSON object with a list of keys` }
}

type Content = { readonly ok: true; readonly bytes: Uint8Array } | { readonly ok: false; readonly fault: string }

/** The bytes of the file, or the system's word for why they cannot be had. Never rejects. */
export const readKeyFile = async (file: string): Promise<Content> => {
  try {
    return { ok: true, bytes: await readFile(file) }
  } catch (error) {
    const code = error instanceof Error && 'code' in error ? String(error.code) : 'failed'
    return { ok: false, fault: `${file}: cannot be read (${code})` }
  }
}
