/** Keys and indexes from the root of the file. */
export type Path = readonly (string | number)[]

/** A parsed file as plain data, with the way back from a path to its place in the text. */
export interface Tree {
  /** Maps have no prototype: a key such as `constructor` meets nothing (lesson 9 of the attacks). */
  readonly data: unknown
  /** Offset of the key or the value there; of the nearest thing around it when the path leads nowhere. */
  locate(path: Path, on: 'key' | 'value'): number
  /** The key or scalar there as it is written in the file: what messages may quote, for the environment is not in it. */
  quote(path: Path, on: 'key' | 'value'): string
  /** Whether the file says anything there. */
  has(path: Path): boolean
  /** Whether the scalar there came from the environment, so that its text may stand for a number or a boolean. */
  isExpanded(path: Path): boolean
  /** Whether the value there could not be known (an unset variable): reported already, nothing more to say about it. */
  isUnknown(path: Path): boolean
}

/** Where something stands: a scalar's offset, or a collection with the places of what is in it. */
export type Spot = number | Collection

export interface Collection {
  readonly start: number
  /** Of a map; undefined: a list. */
  readonly keys: string[] | undefined
  readonly keyStarts: number[]
  readonly items: Spot[]
}

/** Of a value that has no place of its own because it is empty. */
export const nowhere = -1

/**
 * @param written what keys and values from the environment look like in the file, by their offset
 * @param unknown offsets of values that could not be known
 */
export const createTree = (
  data: unknown,
  root: Spot,
  { written, unknown }: { readonly written: ReadonlyMap<number, string>; readonly unknown: ReadonlySet<number> },
): Tree => {
  const indexOf = createIndex()
  const find = (path: Path): Found => {
    let found: Found = { key: undefined, keyStart: nowhere, spot: root, around: 0, whole: true }
    for (const step of path) {
      const { spot } = found
      if (typeof spot === 'number') return { ...found, whole: false }
      const index = spot.keys ? indexOf(spot, String(step)) : Number(step)
      const item = spot.items[index]
      if (item === undefined) return { ...found, whole: false }
      const keyStart = spot.keyStarts[index] ?? nowhere
      found = { key: spot.keys?.[index], keyStart, spot: item, around: spot.start, whole: true }
    }
    return found
  }
  const valueStart = ({ spot }: Found): number => (typeof spot === 'number' ? spot : spot.start)
  return {
    data,
    locate: (path, on) => {
      const found = find(path)
      const value = valueStart(found)
      // What is missing is missing where its map is named.
      const atKey = on === 'key' || !found.whole || value === nowhere
      if (atKey && found.keyStart !== nowhere) return found.keyStart
      return value === nowhere ? found.around : value
    },
    has: (path) => find(path).whole,
    quote: (path, on) => {
      const found = find(path)
      if (!found.whole) return String(path.at(-1) ?? '')
      const start = on === 'key' ? found.keyStart : valueStart(found)
      return visible(written.get(start) ?? (on === 'key' ? (found.key ?? '') : scalarText(data, path)))
    },
    isExpanded: (path) => written.has(valueStart(find(path))),
    isUnknown: (path) => unknown.has(valueStart(find(path))),
  }
}

interface Found {
  readonly key: string | undefined
  readonly keyStart: number
  readonly spot: Spot
  /** Where the collection begins that holds it. */
  readonly around: number
  /** Whether the whole path leads somewhere, or only its beginning. */
  readonly whole: boolean
}

/** Finds a key's position in its map; remembers large maps once they were asked for, for a good file never asks. */
const createIndex = () => {
  const indexes = new Map<Collection, Map<string, number>>()
  return (collection: Collection, key: string): number => {
    const { keys = [] } = collection
    if (keys.length < 20) return keys.indexOf(key)
    const index = indexes.get(collection) ?? new Map(keys.map((name, position) => [name, position]))
    indexes.set(collection, index)
    return index.get(key) ?? nowhere
  }
}

const scalarText = (data: unknown, path: Path): string => {
  let value = data
  for (const step of path) value = typeof value === 'object' && value !== null ? Reflect.get(value, step) : undefined
  return typeof value === 'object' || value === undefined ? '' : String(value)
}

/** On one line, with what cannot be seen made visible (homoglyphs, zero-width characters). */
export const visible = (text: string): string =>
  text.replace(/[^\x20-\x7e]/gu, (char) => `\\u{${char.codePointAt(0)?.toString(16)}}`)
