import { resolve } from 'node:path'
import { withoutNewline } from '../keys/options.ts'
import type { ReadFile } from './files.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/** What is needed to read files by their names. */
export interface FileSurroundings {
  /** Of the config file: relative paths are relative to it. */
  readonly directory: string
  readonly readFile: ReadFile
  readonly report: Pick<Report, 'problem' | 'quote'>
}

/** What is needed to read the files that a config names. */
export interface Surroundings extends FileSurroundings {
  readonly report: Report
}

/** Reads a file that the config names, and reports what is wrong with it at the place of its name. */
export const readNamed = (
  name: string,
  at: Path,
  { directory, readFile, report }: FileSurroundings,
  faultOf: (bytes: Uint8Array) => string | undefined,
): { readonly file: string; readonly bytes: Uint8Array } => {
  const absolute = resolve(directory, name)
  const empty = new Uint8Array()
  // An empty name would be the directory itself; one that is not known is reported already.
  if (name === '') {
    report.problem(at, 'the name of a file must not be empty')
    return { file: absolute, bytes: empty }
  }
  const read = readFile(absolute)
  const fault = read.ok ? (read.bytes.length === 0 ? 'is empty' : faultOf(read.bytes)) : read.fault
  if (fault !== undefined) report.problem(at, `the file \`${report.quote(at)}\` ${fault}`)
  return { file: absolute, bytes: read.ok ? read.bytes : empty }
}

/** Reads a file that holds a secret, and reports what is wrong with it; what a message says of it must not quote it. */
export const readSecret = (
  name: string,
  at: Path,
  around: Surroundings,
  faultOf: (secret: Uint8Array) => string | undefined = () => undefined,
): { readonly file: string; readonly secret: Uint8Array } => {
  const { file, bytes } = readNamed(name, at, around, (read) => {
    const secret = withoutNewline(read)
    return secret.length === 0 ? 'is empty' : faultOf(secret)
  })
  return { file, secret: withoutNewline(bytes) }
}

/** The text of a file; what is no UTF-8 shows as such. */
export const asText = (bytes: Uint8Array): string => new TextDecoder().decode(bytes)
