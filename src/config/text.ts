import { type Document, type ErrorCode, LineCounter, parseDocument } from 'yaml'
import { mostProblems } from './problem.ts'

/** Something wrong with the text itself, at an offset into it. */
export interface TextFault {
  readonly offset: number
  readonly message: string
}

/**
 * Much more than a person writes (10,000 upstreams with ten routes each are 4 MB), and little enough that a wrong file
 * (a disk image, a core dump) is refused before it is parsed: the parser takes some 60 bytes of memory per byte.
 */
export const maxConfigBytes = 32 * 1024 * 1024

/** UTF-8 only, a BOM is taken off. Nothing is guessed: UTF-16 is refused, not read. */
export const decodeText = (
  bytes: Uint8Array,
):
  | { readonly ok: true; readonly text: string }
  /** `text` is for showing the line only. */
  | { readonly ok: false; readonly text: string; readonly fault: TextFault } => {
  try {
    return { ok: true, text: new TextDecoder('utf-8', { fatal: true }).decode(bytes) }
  } catch {
    // The only thing a fatal decoder throws for. The lenient reading finds the place.
    const text = new TextDecoder('utf-8').decode(bytes)
    const offset = Math.max(text.indexOf('\uFFFD'), 0)
    return { ok: false, text, fault: { offset, message: 'the file is not UTF-8' } }
  }
}

/**
 * Parses YAML 1.2 (JSON is a part of it) and refuses what makes a file mean two things to two readers: directives,
 * several documents, control characters. Anchors, tags and duplicate keys are the tree's to judge (tree.ts).
 */
export const parseText = (
  text: string,
): { readonly document: Document.Parsed | undefined; readonly faults: readonly TextFault[] } => {
  const control = unprintable.exec(text)
  if (control) {
    return { document: undefined, faults: [{ offset: control.index, message: `a ${nameOf(control[0])} in the file` }] }
  }
  const document = withoutStacks(() =>
    parseDocument(text, {
      version: '1.2',
      // The library compares every pair of keys: quadratic, 4 s for 20,000 upstreams. The tree finds them in one pass.
      uniqueKeys: false,
      // Else `!!binary`, `!!set` and the like become objects that no schema expects.
      resolveKnownTags: false,
      keepSourceTokens: false,
      prettyErrors: false,
      logLevel: 'error',
    }),
  )
  const faults: TextFault[] = []
  let lineEnd = -1
  for (const { code, pos } of document.errors) {
    if (faults.length > mostProblems) break
    // One slip makes the parser stumble over the rest of the line.
    if (faults.at(-1)?.message === words[code] && pos[0] <= lineEnd) continue
    faults.push({ offset: pos[0], message: words[code] })
    lineEnd = text.indexOf('\n', pos[0])
    if (lineEnd < 0) lineEnd = text.length
  }
  const { yaml, tags } = document.directives
  if ((yaml.explicit && yaml.version !== '1.2') || Object.keys(tags).length > 1) {
    // Under 1.1 `no` is false, 017 is 15 and `<<` merges.
    const offset = Math.max(text.search(/^%/m), 0)
    faults.push({ offset, message: 'a config file is YAML 1.2: `%YAML 1.1` and `%TAG` are not supported' })
  }
  return { document, faults }
}

/** The parser makes an error of each slip, and the stack of each takes more than the slip: nobody reads it. */
const withoutStacks = <T>(parse: () => T): T => {
  const { stackTraceLimit } = Error
  Error.stackTraceLimit = 0
  try {
    return parse()
  } finally {
    Error.stackTraceLimit = stackTraceLimit
  }
}

/** Offsets of the lines of a text. */
export const lineCounter = (text: string): LineCounter => {
  const counter = new LineCounter()
  counter.addNewLine(0)
  for (let at = text.indexOf('\n'); at >= 0; at = text.indexOf('\n', at + 1)) counter.addNewLine(at + 1)
  return counter
}

// What YAML 1.2 section 5.1 does not count as printable.
const unprintable = /[\x00-\x08\x0b\x0c\x0e-\x1f\x7f\x80-\x84\x86-\x9f\ufffe\uffff]/

const nameOf = (char: string): string =>
  char === '\0' ? 'NUL' : `control character U+${char.charCodeAt(0).toString(16).toUpperCase().padStart(4, '0')}`

// In our own words: the library's may quote the text, and change with its version.
const words = {
  ALIAS_PROPS: 'an alias takes no anchor and no tag',
  BAD_ALIAS: 'not a valid alias or anchor',
  BAD_COLLECTION_TYPE: 'a tag that does not fit what it stands before',
  BAD_DIRECTIVE: 'not a valid directive',
  BAD_DQ_ESCAPE: 'not a valid escape in a double-quoted text',
  BAD_INDENT: 'wrong indentation, or a `[`, `{` or quote that is not closed',
  BAD_PROP_ORDER: 'anchor and tag stand in the wrong place',
  BAD_SCALAR_START: 'a value that begins with this character must be quoted',
  BLOCK_AS_IMPLICIT_KEY: 'a map cannot begin in the middle of a line: indent it below, or quote the value',
  BLOCK_IN_FLOW: 'inside `{}` and `[]` only flow style is possible',
  DUPLICATE_KEY: 'duplicate key',
  IMPOSSIBLE: 'not valid YAML',
  KEY_OVER_1024_CHARS: 'a key this long must stand behind `?`',
  MISSING_CHAR: 'a character is missing here: `:` behind a key, or a closing quote, `]` or `}`',
  MULTILINE_IMPLICIT_KEY: 'a key must stand on one line: is a `:` missing?',
  MULTIPLE_ANCHORS: 'more than one anchor',
  MULTIPLE_DOCS: 'a second document begins here: a config file is one document',
  MULTIPLE_TAGS: 'more than one tag',
  NON_STRING_KEY: 'a key must be text',
  RESOURCE_EXHAUSTION: 'nested too deeply',
  TAB_AS_INDENT: 'a tab in the indentation: YAML indents with spaces',
  TAG_RESOLVE_FAILED: 'tags are not supported',
  UNEXPECTED_TOKEN: 'this cannot stand here: is a quote missing? (inside `{}`, `${NAME}` must be quoted)',
} satisfies Record<ErrorCode, string>
