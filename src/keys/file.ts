import type { Read } from './fixed.ts'
import { readJsonObject } from './json-object.ts'
import { readRegularFile } from './regular-file.ts'

/** The key set in a file of the operator's. */
export const readJwksFile = async (file: string): Promise<Read> => {
  const content = await readRegularFile(file)
  if (!content.ok) return content
  const keys = readJsonObject(content.bytes)?.keys
  return Array.isArray(keys)
    ? { ok: true, keys }
    : { ok: false, fault: `${file}: is not a JSON object with a list of keys` }
}
