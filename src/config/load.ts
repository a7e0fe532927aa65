import { createHash } from 'node:crypto'
import { resolve } from 'node:path'
import { compile } from './compile.ts'
import type { Config } from './config.ts'
import type { Environment } from './environment.ts'
import { digestOf, type ReadFile, readRegularFile } from './files.ts'
import { memoryFault } from './memory.ts'
import type { Problem } from './problem.ts'
import { buildTree } from './read-tree.ts'
import { reclaim } from './reclaim.ts'
import { createReport, type Report } from './report.ts'
import { decodeText, parseText } from './text.ts'
import type { Tree } from './tree.ts'
import { validate } from './validate.ts'

export type Loaded =
  | { readonly ok: true; readonly config: Config }
  /** Every problem, in the order of the file; and what would have been warned about. */
  | {
      readonly ok: false
      readonly problems: readonly Problem[]
      readonly warnings: readonly Problem[]
      /** As in {@link Config}: what was looked at, whether it is there or not. */
      readonly files: Config['files']
    }

export interface LoadOptions {
  /** Where `${NAME}` comes from. */
  readonly env: Environment
  /** How the config and the files it names are read; default: from disk. */
  readonly readFile?: ReadFile
  /** Of the process that is to run it, in bytes; default: this one's. */
  readonly heapLimit?: number
}

/** Reads and compiles a config file. Synchronous; throws for nothing that the file or its neighbours contain. */
export const loadConfig = (file: string, { env, readFile = readRegularFile, heapLimit }: LoadOptions): Loaded => {
  const { files, noting } = createNotes(readFile)
  const read = noting(file)
  if (!read.ok) return refused(file, files, `the config file ${read.fault}`)
  const decoded = decodeText(read.bytes)
  if (decoded.ok) return parseNoting(decoded.text, file, { env, files, readFile: noting, heapLimit })
  const report = createReport(file, decoded.text, () => undefined)
  report.problemAt(decoded.fault.offset, decoded.fault.message)
  return { ok: false, problems: report.problems(), warnings: [], files }
}

/**
 * Compiles the text of a config file. Proves that the file means something and hangs together; that issuers answer and
 * upstreams listen is not looked at.
 */
export const parseConfig = (
  written: string,
  file: string,
  { env, readFile = readRegularFile, heapLimit }: LoadOptions,
): Loaded => {
  const { files, noting } = createNotes(readFile)
  return parseNoting(written, file, { env, files, readFile: noting, heapLimit })
}

/** Files that were read, and how to read so that they are noted. */
const createNotes = (readFile: ReadFile): { readonly files: Config['files']; readonly noting: ReadFile } => {
  const files = new Map<string, string>()
  return {
    files,
    noting: (path) => {
      const read = readFile(path)
      files.set(resolve(path), digestOf(read))
      return read
    },
  }
}

const parseNoting = (
  written: string,
  file: string,
  {
    env,
    files,
    readFile,
    heapLimit,
  }: Required<Omit<LoadOptions, 'heapLimit'>> & Pick<Config, 'files'> & { readonly heapLimit: number | undefined },
): Loaded => {
  const unfit = memoryFault(written, heapLimit)
  if (unfit !== undefined) return refused(file, files, unfit)
  const text = written.replace(/^\uFEFF/, '')
  let tree: Tree | undefined
  const report = createReport(file, text, () => tree)
  const fail = (): Loaded => ({ ok: false, problems: report.problems(), warnings: report.warnings(), files })

  tree = readText(text, env, report)
  if (!tree) return fail()
  if (text.length > largeText) reclaim()
  const outline = { issuerNames: keysOf(tree.data, 'issuers'), upstreamCount: keysOf(tree.data, 'upstreams').length }

  const input = validate(tree, report)
  if (!input) return fail()
  const parts = compile(input, { file, report, readFile, ...outline })
  if (report.problems().length > 0) return fail()
  const hash = createHash('sha256').update(text).digest('hex').slice(0, 12)
  return { ok: true, config: freeze({ file, hash, files, warnings: report.warnings(), ...parts }) }
}

/** In characters. What nobody wrote by hand. */
const largeText = 1024 * 1024

/** The document is left behind here: what it takes in memory is free again before the compiling begins. */
const readText = (text: string, env: Environment, report: Report): Tree | undefined => {
  const { document, faults } = parseText(text)
  for (const { offset, message } of faults) report.problemAt(offset, message)
  // Beyond a mistake in the syntax, the rest of the file is guesswork.
  if (!document || faults.length > 0) return undefined
  const built = buildTree(document, env)
  for (const { offset, message } of built.faults) report.problemAt(offset, message)
  return report.full() ? undefined : built.tree
}

const refused = (file: string, files: Config['files'], message: string): Loaded => ({
  ok: false,
  files,
  problems: [{ file, line: 1, column: 1, message, source: '' }],
  warnings: [],
})

const keysOf = (data: unknown, section: string): readonly string[] => {
  const map: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, section) : undefined
  return typeof map === 'object' && map !== null && !Array.isArray(map) ? Object.keys(map) : []
}

/** Freezes all the way down to Maps and bytes: they cannot be frozen, and their types are read-only or used once. */
const freeze = <T>(value: T): T => {
  if (typeof value !== 'object' || value === null || Object.isFrozen(value)) return value
  if (value instanceof Map || ArrayBuffer.isView(value)) return value
  Object.freeze(value)
  for (const member of Object.values(value)) freeze(member)
  return value
}
