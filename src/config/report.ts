import type { LineCounter } from 'yaml'
import { mostProblems, type Problem } from './problem.ts'
import { lineCounter } from './text.ts'
import type { Path, Tree } from './tree.ts'

/** Collects what is wrong and what is worth a warning, at paths of the file: {@link mostProblems} of each, no more. */
export interface Report {
  /** A reason not to start. Silent about a value that could not be known, for that is reported already. */
  problem(path: Path, message: string, on?: 'key' | 'value'): void
  warn(path: Path, message: string, on?: 'key' | 'value'): void
  /** A problem at an offset of the text. */
  problemAt(offset: number, message: string): void
  /** What messages may quote: the text of the file, never a value of the environment. */
  quote(path: Path, on?: 'key' | 'value'): string
  /** Whether the value there came from the environment, so that no message may show what was made of it. */
  isExpanded(path: Path): boolean
  /** Whether the file says anything there, even if it was of no use. */
  has(path: Path): boolean
  /** Whether no further problem is collected: whoever looks for more works for nothing. */
  readonly full: () => boolean
  /** Line of the value there, from 1. */
  line(path: Path): number
  readonly problems: () => readonly Problem[]
  readonly warnings: () => readonly Problem[]
}

/** @param tree undefined while there is none: then only offsets can be reported */
export const createReport = (file: string, text: string, tree: () => Tree | undefined): Report => {
  const problems: Found[] = []
  const warnings: Found[] = []
  let lines: LineCounter | undefined
  const counter = (): LineCounter => {
    lines ??= lineCounter(text)
    return lines
  }
  const add = (list: Found[], path: Path, message: string, on: 'key' | 'value'): void => {
    if (list.length > mostProblems || (on === 'value' && tree()?.isUnknown(path))) return
    collect(list, { offset: tree()?.locate(path, on) ?? 0, message })
  }
  return {
    problem: (path, message, on = 'value') => add(problems, path, message, on),
    warn: (path, message, on = 'value') => add(warnings, path, message, on),
    problemAt: (offset, message) => collect(problems, { offset, message }),
    full: () => problems.length > mostProblems,
    quote: (path, on = 'value') => tree()?.quote(path, on) ?? '',
    has: (path) => tree()?.has(path) ?? false,
    isExpanded: (path) => tree()?.isExpanded(path) ?? false,
    line: (path) => Math.max(counter().linePos(tree()?.locate(path, 'value') ?? 0).line, 1),
    problems: () => place(file, text, counter, problems),
    warnings: () => place(file, text, counter, warnings),
  }
}

interface Found {
  readonly offset: number
  readonly message: string
}

/** One more than are told says that there are more. */
const collect = (list: Found[], found: Found): void => {
  if (list.length > mostProblems) return
  if (!list.some(({ offset, message }) => offset === found.offset && message === found.message)) list.push(found)
}

const place = (file: string, text: string, counter: () => LineCounter, found: readonly Found[]): readonly Problem[] => {
  if (found.length === 0) return []
  const lines = counter()
  const told = found.slice(0, mostProblems).sort((one, other) => one.offset - other.offset)
  const placed = told.map(({ offset, message }) => problemAt(file, text, lines, offset, message))
  const last = placed.at(-1)
  if (found.length > mostProblems && last) placed.push({ ...last, message: '… and more', source: '' })
  return placed
}

const problemAt = (file: string, text: string, lines: LineCounter, offset: number, message: string): Problem => {
  const { line, col } = lines.linePos(offset)
  const start = lines.lineStarts[line - 1] ?? 0
  const end = lines.lineStarts[line] ?? text.length + 1
  // A line of megabytes is shown to nobody: one that long has no source.
  const source = end - start > longestLine ? '' : text.slice(start, end - 1).replace(/\r$/, '')
  return { file, line: Math.max(line, 1), column: Math.max(col, 1), message, source: mask(source) }
}

/** In characters. */
const longestLine = 2000

/**
 * Hides what a shown line may hold in secret: values of keys that say so, private members of a JWK, a password in a
 * URL. As many characters remain, so the caret still points at the right one.
 */
const mask = (source: string): string =>
  maskNamed(source)
    .replace(
      /((?<![\w/])["']?(?:d|p|q|dp|dq|qi|k)["']?\s*:\s*)(["']?[\w-]{8,}["']?)/g,
      (_whole, key: string, value: string) => key + stars(value),
    )
    // A password with a slash, a space or an at sign that nobody escaped is still one.
    .replace(/(rediss?:\/\/)(.*)(?=@)/gi, (_whole, scheme: string, value: string) => scheme + stars(value))
    .replace(/(rediss?:\/\/)(:[^@]+)$/gi, (_whole, scheme: string, value: string) => scheme + stars(value))
    .replace(queryOfEndpoint, (_whole, before: string, value: string) => before + stars(value))
    .replace(queryOfLine, (_whole, before: string, value: string) => before + stars(value))
    .replace(/(\/\/)([^\s"']+)(?=@)/g, (_whole, slashes: string, value: string) => slashes + stars(value))

/** Hides the values of keys that say that they are secret. A plain one ends at a comma or a brace only inside braces. */
const maskNamed = (source: string): string => {
  let shown = ''
  let at = 0
  for (const key of source.matchAll(/(?:secret|password|passphrase)["']?\s*:\s*/gi)) {
    const from = key.index + key[0].length
    if (from < at) continue
    const inBraces = /[{[]/.test(source.slice(0, key.index))
    const pattern = inBraces ? valueInBraces : value
    pattern.lastIndex = from
    const found = pattern.exec(source)?.[0] ?? ''
    shown += source.slice(at, from) + stars(found)
    at = from + found.length
  }
  return shown + source.slice(at)
}

const quoted = `"[^"\\\\]*"(?=\\s*(?:[,}\\]#]|$))|'[^']*'(?=\\s*(?:[,}\\]#]|$))|\\$\\{[A-Za-z0-9_]+\\}`
/** A map has keys of its own; a quoted text with escapes is hidden to the end of the line. */
const value = new RegExp(`${quoted}|[^\\s{[].*`, 'y')
const valueInBraces = new RegExp(`${quoted}|["'].*|[^\\s,{}[\\]"'](?:[^,{}[\\]]*[^\\s,{}[\\]])?`, 'y')

/** The query of a store, and of URLs that the gateway itself asks: it may hold an API key. */
const queryOfEndpoint = /((?:rediss?:\/\/|(?:endpoint|metadata_url|jwks_uri)["']?\s*:\s*["']?)[^\s?#]*\?)(\S+)/gi
/** Alone on a line, behind a key that is on another. */
const queryOfLine = /^(\s*["']?https?:\/\/[^\s?#]*\?)(\S+)(?=\s*$)/

// A variable shows nothing.
const stars = (value: string): string =>
  /^["']?\$\{[A-Za-z0-9_]+\}["']?$/.test(value) ? value : '*'.repeat(value.length)
