import { isRoutable } from './method.ts'
import type { PathPolicy } from './resource.ts'
import { pathFault } from './target.ts'

/** One segment of a route template. */
export type Segment =
  | { readonly kind: 'literal'; readonly text: string }
  | { readonly kind: 'parameter'; readonly name: string }
  | { readonly kind: 'any' }
  | { readonly kind: 'rest' }

export interface RouteKey {
  /** Undefined: all methods. */
  readonly methods: readonly string[] | undefined
  readonly template: string
  readonly segments: readonly Segment[]
}

type Parsed<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly fault: string }

/** Reads `METHOD[,METHOD] /template` or `/template`; refuses every key that no request could match. */
export const parseRouteKey = (key: string, paths: PathPolicy): Parsed<RouteKey> => {
  const parts = /^(?:(\S+) +)?(\S+)$/.exec(key)
  if (!parts) return bad('a route key is `METHOD[,METHOD] /template` or `/template`')
  const [, list, template = ''] = parts
  const methods = list?.split(',')
  const fault = methods && methodsFault(methods)
  if (fault !== undefined) return bad(fault)
  const segments = parseTemplate(template, paths)
  return segments.ok ? { ok: true, value: { methods, template, segments: segments.value } } : segments
}

/** Names of the `{…}` segments, in order. */
export const parameterNames = (segments: readonly Segment[]): readonly string[] =>
  segments.flatMap((segment) => (segment.kind === 'parameter' ? [segment.name] : []))

const bad = (fault: string) => ({ ok: false, fault }) as const

const methodsFault = (methods: readonly string[]): string | undefined => {
  const seen = new Set<string>()
  for (const method of methods) {
    if (method === '') return 'an empty method: write `GET,POST /template` without spaces'
    if (method === 'TRACE' || method === 'CONNECT') return `${method} is never forwarded`
    if (!isRoutable(method)) {
      const upper = method.toUpperCase()
      return isRoutable(upper) ? `methods are case-sensitive: write ${upper}` : `no such method: ${method}`
    }
    if (seen.has(method)) return `${method} is listed twice`
    seen.add(method)
  }
  return undefined
}

const parseTemplate = (template: string, paths: PathPolicy): Parsed<readonly Segment[]> => {
  if (!template.startsWith('/')) return bad('a template begins with `/`')
  if (/[?#]/.test(template)) return bad('a template holds no query and no fragment: only the path chooses a route')
  if (template === '/') return { ok: true, value: [] }
  const segments: Segment[] = []
  const names = new Set<string>()
  const texts = template.slice(1).split('/')
  for (const [index, text] of texts.entries()) {
    const segment = parseSegment(text, index === texts.length - 1, paths)
    if (!segment.ok) return segment
    if (segment.value.kind === 'parameter') {
      if (names.has(segment.value.name)) return bad(`{${segment.value.name}} stands twice in the template`)
      names.add(segment.value.name)
    }
    segments.push(segment.value)
  }
  return { ok: true, value: segments }
}

const parseSegment = (text: string, last: boolean, paths: PathPolicy): Parsed<Segment> => {
  if (text === '**') return last ? { ok: true, value: { kind: 'rest' } } : bad('`**` stands at the end only')
  if (text === '*') return { ok: true, value: { kind: 'any' } }
  if (text.includes('{') || text.includes('}')) return parseParameter(text)
  if (text.includes('*')) return bad('`*` stands for a whole segment only')
  if (text.startsWith(':')) return bad(`write {${text.slice(1)}} for a parameter`)
  if (/\)[+?]|\$$/.test(text)) return bad('a template is not a regular expression')
  if (text === '' && last) return { ok: true, value: { kind: 'literal', text } }
  const fault = pathFault(`/${text}`, paths)
  if (fault !== undefined || text === '')
    return bad(`no request can match this template: ${fault ?? 'empty segment (`//`)'}`)
  return { ok: true, value: { kind: 'literal', text } }
}

const parseParameter = (text: string): Parsed<Segment> => {
  const name = /^\{([A-Za-z_][A-Za-z0-9_]*)\}$/.exec(text)?.[1]
  if (name === undefined) return bad('a parameter is a whole segment, `{name}`, of letters, digits and `_`')
  if (name === '__proto__') return bad('`__proto__` is no parameter name')
  return { ok: true, value: { kind: 'parameter', name } }
}
