import type { z } from 'zod'
import { nearest } from './nearest.ts'
import type { Report } from './report.ts'
import { type FileInput, schema } from './schema.ts'
import type { Path, Tree } from './tree.ts'

/**
 * Checks the data against the schema and reports everything that does not fit. What does not fit is taken out of the
 * data, so that the rest can be compiled and its problems be reported in the same run.
 *
 * @returns undefined when not even the outline of a config is left
 */
export const validate = (tree: Tree, report: Report): FileInput | undefined => {
  if (!isMap(tree.data)) {
    report.problem([], 'a config file is a map with `issuers` and `upstreams`')
    return undefined
  }
  const converted = new Set<string>()
  const removed = new Set<string>()
  // Every round converts or removes something, so this ends; a good file takes one round.
  for (;;) {
    const result = schema.safeParse(tree.data, { error: knownKeys })
    if (result.success) return result.data
    const issues = result.error.issues
      .flatMap(flatten)
      .filter((issue) => !convert(tree, placeOf(issue).path, converted))
    // All are described before the first is taken out: what is missing then is not missing from the file.
    for (const issue of issues.filter((one) => !isAftermath(one, removed))) {
      const on = placeOf(issue).key ? 'key' : 'value'
      if (report.full()) return undefined
      for (const { at, message } of describe(issue, tree, report)) report.problem(at, message, on)
    }
    const gone = new Set<string>()
    for (const at of issues.flatMap(offenders)) {
      // What lay in something that is out already is out with it: climbing on would take what is good.
      if (at.some((_, index) => gone.has(idOf(at.slice(0, index + 1))))) continue
      gone.add(idOf(remove(tree.data, at, removed)))
    }
  }
}

type Issue = z.core.$ZodIssue
type Data = Record<string, unknown>

const isMap = (value: unknown): value is Data => typeof value === 'object' && value !== null && !Array.isArray(value)

/** The names that a map may hold travel in the message: an issue itself does not tell them. */
const knownKeys: z.core.$ZodErrorMap = (issue) => {
  if (issue.code !== 'unrecognized_keys' || !issue.inst) return undefined
  const definition: { readonly shape?: object } = issue.inst._zod.def as object
  return Object.keys(definition.shape ?? {}).join(' ')
}

/** Whether it is our own taking out that it complains about: something is missing, or a map became too small. */
const isAftermath = (issue: Issue, removed: ReadonlySet<string>): boolean => {
  const { path } = placeOf(issue)
  if (issue.code === 'unrecognized_keys') return false
  if (removed.has(idOf(path))) return true
  const inside = idOf(path).slice(0, -1)
  return issue.code === 'custom' && [...removed].some((id) => id.startsWith(path.length > 0 ? `${inside},` : inside))
}

/** Of a union, the branch that the value was meant for: the one whose kind of value it is. */
const flatten = (issue: Issue): Issue[] => {
  if (issue.code !== 'invalid_union') return [issue]
  const meant = issue.errors.find((branch) => !branch.some(isOtherKind))
  // Where it is the very value that does not fit, the union says best what it may be.
  if (!meant || meant.every((inner) => inner.path.length === 0 && isLibraryMessage(inner))) return [issue]
  return meant.flatMap((inner) => flatten({ ...inner, path: [...issue.path, ...inner.path] }))
}

const isOtherKind = (issue: Issue): boolean =>
  issue.path.length === 0 && ['invalid_type', 'invalid_value', 'invalid_union'].includes(issue.code)

const placeOf = (issue: Issue): { readonly path: Path; readonly key: boolean } => ({
  path: issue.path.map((step) => (typeof step === 'symbol' ? '' : step)),
  key: issue.code === 'unrecognized_keys' || (issue.code === 'custom' && issue.params?.on === 'key'),
})

/** Text from the environment stands for a number or a boolean where one is due; tried once. */
const convert = (tree: Tree, path: Path, converted: Set<string>): boolean => {
  const id = idOf(path)
  const text = lookup(tree.data, path)
  if (typeof text !== 'string' || converted.has(id) || !tree.isExpanded(path)) return false
  converted.add(id)
  const value = /^(?:true|false)$/.test(text) ? text === 'true' : /^-?\d+(?:\.\d+)?$/.test(text) ? Number(text) : text
  const parent = lookup(tree.data, path.slice(0, -1))
  const last = path.at(-1)
  if (value === text || last === undefined || typeof parent !== 'object' || parent === null) return false
  Reflect.set(parent, last, value)
  return true
}

const describe = (issue: Issue, tree: Tree, report: Report): readonly { at: Path; message: string }[] => {
  const { path, key } = placeOf(issue)
  if (issue.code === 'unrecognized_keys') {
    const known = issue.message.split(' ')
    return issue.keys.map((name) => {
      const at = [...path, name]
      const near = nearest(name, known)
      const hint = near === undefined ? '' : `; did you mean \`${near}\`?`
      return { at, message: `unknown key \`${report.quote(at, 'key')}\`${hint}` }
    })
  }
  const value = lookup(tree.data, path)
  const message = `${labelOf(path, report)} ${predicate(issue, value, key)}`
  return [{ at: path, message: `${message}${valueHint(issue, path, value, report)}` }]
}

/** What the value was most likely meant to be. Nothing of a value from the environment is told. */
const valueHint = (issue: Issue, path: Path, value: unknown, report: Report): string => {
  if (issue.code === 'invalid_value' && typeof value === 'string' && !report.isExpanded(path)) {
    // Names of algorithms are all alike: the nearest one is seldom the one that is wanted.
    const words = issue.values.map(String).filter((word) => /^[a-z]/.test(word))
    const near = nearest(value, words)
    return near === undefined ? '' : `; did you mean \`${near}\`?`
  }
  if (path.at(-2) === 'claims' && isMap(value)) {
    const [inner = ''] = Object.keys(value)
    const names = [path, [...path, inner]].map((each) => report.quote(each, 'key'))
    return inner === '' ? '' : `; a claim inside another is named by its path: \`${names.join('.')}\``
  }
  return ''
}

/** The key that a person would name: the last one that is no index. */
export const labelOf = (path: Path, report: Report): string => {
  const end = path.findLastIndex((step) => typeof step === 'string')
  return end < 0 ? 'the file' : `\`${report.quote(path.slice(0, end + 1), 'key')}\``
}

const predicate = (issue: Issue, value: unknown, key: boolean): string => {
  if (value === undefined && !key) return 'is missing'
  if (value === null) return 'is empty'
  if (!isLibraryMessage(issue)) return issue.message
  switch (issue.code) {
    case 'invalid_type':
      return `must be ${kinds.get(issue.expected) ?? issue.expected}`
    case 'invalid_value':
      return `must be ${issue.values.map(String).join(', ')}`.replace(/, ([^,]*)$/, ' or $1')
    case 'too_small':
      return issue.origin === 'string' || issue.origin === 'array'
        ? 'must not be empty'
        : `must be at least ${issue.minimum}`
    case 'too_big':
      return `must be at most ${issue.maximum}`
    default:
      return 'does not fit'
  }
}

/** A message of the schema's own begins with a verb in lower case; those of the library are replaced by ours. */
const isLibraryMessage = ({ message }: Issue): boolean => /^[A-Z]/.test(message)

const kinds: ReadonlyMap<string, string> = new Map([
  ['string', 'a text; put it in quotes'],
  ['number', 'a number'],
  ['int', 'a whole number'],
  ['boolean', 'true or false'],
  ['object', 'a map'],
  ['record', 'a map'],
  ['array', 'a list'],
])

const offenders = (issue: Issue): readonly Path[] => {
  const { path } = placeOf(issue)
  return issue.code === 'unrecognized_keys' ? issue.keys.map((name) => [...path, name]) : [path]
}

const lookup = (data: unknown, path: Path): unknown => {
  let value = data
  for (const step of path) {
    if (typeof value !== 'object' || value === null) return undefined
    value = Reflect.get(value, step)
  }
  return value
}

/**
 * Takes out what stands there; when that is needed (or a member of a list), what stands around it.
 *
 * @returns where something was taken out
 */
const remove = (data: unknown, path: Path, removed: Set<string>): Path => {
  const parent = lookup(data, path.slice(0, -1))
  const last = path.at(-1)
  const isThere = isMap(parent) && typeof last === 'string' && Object.hasOwn(parent, last)
  removed.add(idOf(path))
  if (isThere) {
    delete parent[last]
    return path
  }
  if (path.length > 1) return remove(data, path.slice(0, -1), removed)
  // `issuers` and `upstreams`: empty, so that the rest can be looked at.
  if (isMap(parent) && typeof last === 'string') parent[last] = Object.create(null)
  return path
}

const idOf = (path: Path): string => JSON.stringify(path)
