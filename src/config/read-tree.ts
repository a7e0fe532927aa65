import {
  type Document,
  isAlias,
  isMap,
  isScalar,
  isSeq,
  type Node,
  type Pair,
  type Scalar,
  type YAMLMap,
  type YAMLSeq,
} from 'yaml'
import { type Environment, expand } from './environment.ts'
import { mostProblems } from './problem.ts'
import type { TextFault } from './text.ts'
import { type Collection, createTree, nowhere, type Spot, type Tree, visible } from './tree.ts'

/**
 * Turns the document into data in one pass: duplicate keys, tags, merge keys, too many aliases and unset variables are
 * reported; what remains is still readable, so that all other problems can be reported in the same run. Keeps numbers
 * for the way back, not the document: its nodes take ten times the memory of what they say.
 */
export const buildTree = (
  document: Document.Parsed,
  env: Environment,
): { readonly tree: Tree; readonly faults: readonly TextFault[] } => {
  const faults: TextFault[] = []
  const reader: Reader = {
    env,
    fault: (node, message) => {
      if (faults.length <= mostProblems) faults.push({ offset: startOf(node), message })
    },
    anchors: new Map(),
    open: new Set(),
    written: new Map(),
    unknown: new Set(),
    borrowed: 0,
  }
  const { data, spot } = read(reader, document.contents, [])
  return { tree: createTree(data, spot, reader), faults }
}

interface Reader {
  readonly env: Environment
  readonly fault: (node: unknown, message: string) => void
  readonly anchors: Map<string, Node>
  /** Nodes whose inside is being read: an alias to one of them has no end. */
  readonly open: Set<Node>
  /** What keys and values that came from the environment look like in the file, by their offset. */
  readonly written: Map<number, string>
  readonly unknown: Set<number>
  /** Nodes read through aliases. Nine levels of nine aliases are 81 aliases and a billion nodes. */
  borrowed: number
}

interface Read {
  readonly data: unknown
  readonly spot: Spot
}

const maxDepth = 32
const maxBorrowed = 1000
const forbiddenKeys: ReadonlySet<string> = new Set(['__proto__', 'constructor', 'prototype'])

const read = (reader: Reader, node: unknown, path: readonly string[], borrowed = false): Read => {
  const nothing = { data: null, spot: startOf(node) }
  if (borrowed && ++reader.borrowed > maxBorrowed) {
    if (reader.borrowed === maxBorrowed + 1) reader.fault(node, 'aliases repeat too much of the file')
    return nothing
  }
  if (isAlias(node)) {
    const target = reader.anchors.get(node.source)
    if (target && !reader.open.has(target)) return read(reader, target, path, true)
    reader.unknown.add(startOf(node))
    reader.fault(node, target ? 'an alias to what it stands in' : 'no anchor of this name before the alias')
    return nothing
  }
  if (!isScalar(node) && !isMap(node) && !isSeq(node)) return nothing
  if (node.anchor !== undefined) reader.anchors.set(node.anchor, node)
  if (node.tag !== undefined) {
    reader.fault(node, 'tags are not supported')
    reader.unknown.add(startOf(node))
  }
  // An empty value has no place of its own.
  if (isScalar(node)) return { data: readScalar(reader, node), spot: isEmpty(node) ? nowhere : startOf(node) }
  if (path.length >= maxDepth) {
    reader.fault(node, 'nested too deeply')
    return nothing
  }
  reader.open.add(node)
  const value = isMap(node) ? readMap(reader, node, path, borrowed) : readList(reader, node, path, borrowed)
  reader.open.delete(node)
  return value
}

const isEmpty = (node: Scalar): boolean => node.type === 'PLAIN' && node.source === ''

const readScalar = (reader: Reader, node: Node & { value: unknown }): unknown => {
  if (typeof node.value !== 'string') return node.value
  const text = node.value.includes('${') ? expandNode(reader, node, node.value) : node.value
  // Also what an escape such as "\0" or a variable brings: none of it belongs into a URL, a name or a field.
  if (text !== undefined && (/[\x00-\x08\x0b-\x1f\x7f]/.test(text) || !text.isWellFormed())) {
    reader.fault(node, 'a control character or half a surrogate pair in the value')
    reader.unknown.add(startOf(node))
  }
  return text ?? ''
}

/** The node's text with the environment in it; undefined when that cannot be known. */
const expandNode = (reader: Reader, node: Node, text: string): string | undefined => {
  const expansion = expand(text, reader.env)
  const start = startOf(node)
  reader.written.set(start, text)
  if (expansion.faults.length === 0) return expansion.text
  for (const fault of expansion.faults) reader.fault(node, fault)
  reader.unknown.add(start)
  return undefined
}

const readList = (reader: Reader, list: YAMLSeq, path: readonly string[], borrowed: boolean): Read => {
  const inside = [...path, '']
  const items = list.items.map((item) => read(reader, item, inside, borrowed))
  return {
    data: items.map(({ data }) => data),
    spot: { start: startOf(list), keys: undefined, keyStarts: [], items: items.map(({ spot }) => spot) },
  }
}

const readMap = (reader: Reader, map: YAMLMap, path: readonly string[], borrowed: boolean): Read => {
  const data: Record<string, unknown> = Object.create(null)
  const keys: string[] = []
  const spot: Collection = { start: startOf(map), keys, keyStarts: [], items: [] }
  for (const pair of map.items) {
    const key = readKey(reader, pair, path)
    if (key === undefined) continue
    if (key in data) {
      reader.fault(pair.key, `duplicate key \`${visible(keyText(pair.key))}\``)
      continue
    }
    const value = read(reader, pair.value, [...path, key], borrowed)
    data[key] = value.data
    keys.push(key)
    spot.keyStarts.push(startOf(pair.key))
    spot.items.push(value.spot)
  }
  return { data, spot }
}

const readKey = (reader: Reader, pair: Pair, path: readonly string[]): string | undefined => {
  const node = pair.key
  if (!isScalar(node) || node.value === null) {
    reader.fault(node ?? pair.value, 'a key must be text')
    return undefined
  }
  if (node.tag !== undefined || node.anchor !== undefined) reader.fault(node, 'a key takes no tag and no anchor')
  const text = keyText(node)
  if (text === '<<') {
    reader.fault(node, 'merge keys (`<<`) are not supported: YAML 1.2 has none')
    return undefined
  }
  if (forbiddenKeys.has(text)) {
    reader.fault(node, `\`${text}\` cannot be used as a key`)
    return undefined
  }
  const isUpstream = path.length === 1 && path[0] === 'upstreams'
  return isUpstream && text.includes('${') ? expandNode(reader, node, text) : text
}

const keyText = (node: unknown): string => {
  if (!isScalar(node)) return ''
  return typeof node.value === 'string' ? node.value : (node.source ?? '')
}

const startOf = (node: unknown): number => {
  const range = isScalar(node) || isMap(node) || isSeq(node) || isAlias(node) ? node.range : undefined
  return range?.[0] ?? 0
}
