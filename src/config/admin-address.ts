import { type Address, parseAddress } from './address.ts'
import type { Environment } from './environment.ts'
import { type ReadFile, readRegularFile } from './files.ts'
import { buildTree } from './read-tree.ts'
import { decodeText, parseText } from './text.ts'

export type AdminAddress =
  | { readonly ok: true; readonly address: Address }
  /** In words that may be shown: nothing of the file is in it. */
  | { readonly ok: false; readonly fault: string }

/**
 * Where the admin listener of a config file is. Nothing else of the file is looked at, so that asking costs the same for
 * one upstream and for ten thousand; whether the rest is valid is for `check`. Never throws for what the file contains.
 */
export const readAdminAddress = (
  file: string,
  { env, readFile = readRegularFile }: { readonly env: Environment; readonly readFile?: ReadFile },
): AdminAddress => {
  const read = readFile(file)
  if (!read.ok) return { ok: false, fault: `the config file ${read.fault}` }
  const decoded = decodeText(read.bytes)
  if (!decoded.ok) return { ok: false, fault: decoded.fault.message }
  const text = decoded.text.replace(/^\uFEFF/, '')
  const excerpt = excerptOf(text)
  const admin = (excerpt === undefined ? undefined : adminOf(excerpt, env)) ?? adminOf(text, env)
  if (admin === undefined) return { ok: false, fault: 'the config file is not valid: `audgate check` says why' }
  if (admin.value === false) return { ok: false, fault: 'there is no admin listener to ask: `admin` is false' }
  const address = toAddress(admin.value)
  return address ? { ok: true, address } : { ok: false, fault: '`admin` is no address: `audgate check` says more' }
}

/**
 * The lines of `admin`, where every line that begins in the first column begins a plain key, as in a file that a person
 * wrote; undefined: it may stand elsewhere (JSON, quoted keys, several documents), so all has to be read. A file of
 * 10,000 upstreams takes a second to parse, and memory that belongs to the gateway in the same container.
 */
const excerptOf = (text: string): string | undefined => {
  let excerpt = ''
  for (let start = beforeFirst.exec(text)?.[0].length ?? 0; start < text.length; ) {
    const end = endOfEntry(text, start)
    const key = plainKey.exec(text.slice(start, start + 64))?.[1]
    if (key === undefined) return undefined
    if (key === 'admin') excerpt += text.slice(start, end)
    start = end
  }
  return excerpt
}

/** Empty lines and comments. */
const beforeFirst = /^(?: *(?:#.*)?\r?\n)*/
const plainKey = /^([a-z_]+):(?=[ \r\n]|$)/

/** Behind the line, and behind all lines after it that are indented, empty or comments. */
const endOfEntry = (text: string, start: number): number => {
  for (let at = start; ; ) {
    const newline = text.indexOf('\n', at)
    if (newline < 0) return text.length
    at = newline + 1
    if (!' #\r\n'.includes(text[at] ?? ' ')) return at
  }
}

/** `admin` as it is meant, the environment put in; undefined: the text is not valid by itself. */
const adminOf = (text: string, env: Environment): { readonly value: unknown } | undefined => {
  const { document, faults } = parseText(text)
  if (!document || faults.length > 0) return undefined
  const built = buildTree(document, env)
  if (built.faults.length > 0) return undefined
  const { data } = built.tree
  if (text.trim() !== '' && (typeof data !== 'object' || data === null || Array.isArray(data))) return undefined
  const value: unknown = typeof data === 'object' && data !== null ? Reflect.get(data, 'admin') : undefined
  // As in validate.ts: text of the environment stands for a boolean too.
  return {
    value: value === 'false' && built.tree.isExpanded(['admin']) ? false : (value ?? usual(built.tree.has(['admin']))),
  }
}

/** The default of the schema; an `admin:` with nothing behind it is a mistake. */
const usual = (written: boolean): string | null => (written ? null : '127.0.0.1:9090')

const toAddress = (value: unknown): Address | undefined => {
  if (typeof value === 'string') return parseAddress(value)
  const isPort = typeof value === 'number' && Number.isInteger(value) && value >= 0 && value <= 65535
  return isPort ? { host: '0.0.0.0', port: value } : undefined
}
