import { redisUrlFault, type StoreOptions } from '../store/options.ts'
import { caFault } from './files.ts'
import { asText, readNamed, readSecret, type Surroundings } from './named-file.ts'
import type { FileInput } from './schema.ts'

/** Judges `store`: the URL, and the files it names. */
export const compileStore = (input: FileInput['store'], around: Surroundings): StoreOptions => {
  if (input === 'memory') return { kind: 'memory' }
  const entry = typeof input === 'string' ? { url: input } : input
  const at = typeof input === 'string' ? ['store'] : ['store', 'url']
  const { report } = around
  const fault = redisUrlFault(entry.url)
  if (fault !== undefined) report.problem(at, fault)
  const parsed = URL.parse(entry.url)
  if (parsed?.username && entry.username !== undefined) {
    report.problem(['store', 'username'], 'the URL names a user already', 'key')
  }
  if (parsed?.password && entry.password_file !== undefined) {
    report.problem(['store', 'password_file'], 'the URL holds a password already', 'key')
  }
  if (entry.ca_file !== undefined && parsed?.protocol === 'redis:') {
    report.problem(['store', 'ca_file'], '`ca_file` counts only with rediss://', 'key')
  }
  const ca =
    entry.ca_file === undefined
      ? undefined
      : asText(readNamed(entry.ca_file, ['store', 'ca_file'], around, (bytes) => caFault(asText(bytes))).bytes)
  const passwordFile =
    entry.password_file === undefined
      ? undefined
      : readSecret(entry.password_file, ['store', 'password_file'], around).file
  return { kind: 'redis', url: entry.url, username: entry.username, passwordFile, ca }
}
