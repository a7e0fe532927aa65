import type { Outcome } from '../decision/refusal.ts'
import { pass } from '../decision/refusal.ts'
import { malformed } from './malformed.ts'

/** A JSON object from outside: no prototype, so that `__proto__` and `constructor` are names like any other (JO-28). */
export type JsonObject = Readonly<Record<string, unknown>>

/**
 * Levels of objects and arrays a token may have, its outer object included (JO-20). Real tokens have three or four
 * (Keycloak's `resource_access`, `authorization_details`).
 */
export const MAX_JSON_DEPTH = 32

/** Fatal: invalid UTF-8, overlong forms and UTF-16 are refused. The BOM is kept so that `JSON.parse` refuses it (JO-18). */
const utf8 = new TextDecoder('utf-8', { fatal: true, ignoreBOM: true })

const QUOTE = 0x22
const COMMA = 0x2c
const OPEN_ARRAY = 0x5b
const BACKSLASH = 0x5c
const CLOSE_ARRAY = 0x5d
const OPEN_OBJECT = 0x7b
const CLOSE_OBJECT = 0x7d

/**
 * The one JSON object in these bytes, read more strictly than `JSON.parse` does: well-formed UTF-8 without BOM (JO-18),
 * every member name once on its level however it is spelled (JO-13), at most {@link MAX_JSON_DEPTH} levels (JO-20), no
 * lone surrogates. Refuses with `token_malformed`, naming the part. Time is linear in the bytes; numbers may still be
 * infinite (AT-10).
 */
export const readJsonObject = (bytes: Uint8Array, part: 'header' | 'claims'): Outcome<JsonObject> => {
  try {
    const text = utf8.decode(bytes)
    // Before JSON.parse: that one would happily build what is 100,000 deep, and forget the first of two equal names.
    const fault = faultOf(text)
    if (fault !== undefined) return malformed(`${part}: ${fault}`)
    const value: unknown = JSON.parse(text)
    if (typeof value !== 'object' || value === null || Array.isArray(value))
      return malformed(`${part}: not a JSON object`)
    return pass(Object.assign(Object.create(null), value))
  } catch {
    // TextDecoder and JSON.parse say no by throwing; their messages would quote the token.
    return malformed(`${part}: not JSON in UTF-8`)
  }
}

/**
 * Depth, repeated names and broken Unicode, found in one pass without recursion. Assumes the grammar, which `JSON.parse`
 * checks afterwards: in text that is no JSON the answer may be either, and is refused anyway.
 */
const faultOf = (text: string): string | undefined => {
  /** Names seen in each open object; undefined for an array. */
  const open: (Set<string> | undefined)[] = []
  let names: Set<string> | undefined
  let nameIsNext = false
  for (let at = 0; at < text.length; at++) {
    switch (text.charCodeAt(at)) {
      case QUOTE: {
        const end = endOfString(text, at)
        const content = contentOf(text, at, end)
        if (!content.isWellFormed()) return 'a lone surrogate'
        if (nameIsNext && names !== undefined) {
          if (names.has(content)) return 'a member is named twice'
          names.add(content)
          nameIsNext = false
        }
        at = end
        break
      }
      case OPEN_OBJECT:
      case OPEN_ARRAY:
        if (open.length === MAX_JSON_DEPTH) return 'nested too deeply'
        names = text.charCodeAt(at) === OPEN_OBJECT ? new Set() : undefined
        nameIsNext = names !== undefined
        open.push(names)
        break
      case CLOSE_OBJECT:
      case CLOSE_ARRAY:
        open.pop()
        names = open.at(-1)
        break
      case COMMA:
        nameIsNext = names !== undefined
        break
    }
  }
  return undefined
}

/** Where the string that begins at `start` has its closing quote; the end of the text if it has none. */
const endOfString = (text: string, start: number): number => {
  let at = start + 1
  while (at < text.length) {
    const code = text.charCodeAt(at)
    if (code === QUOTE) return at
    at += code === BACKSLASH ? 2 : 1
  }
  return text.length
}

/** The string between two quotes with its escapes resolved: `"\u0061ud"` is the name `aud` (JO-13). Throws on bad ones. */
const contentOf = (text: string, start: number, end: number): string => {
  const raw = text.slice(start + 1, end)
  return raw.includes('\\') ? (JSON.parse(`"${raw}"`) as string) : raw
}
