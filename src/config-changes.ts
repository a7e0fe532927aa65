import { isDeepStrictEqual } from 'node:util'
import type { Config, Issuer, Upstream } from './config/config.ts'

/** What a config has that the one before had not: `issuer NAME`, `upstream NAME`, or a key of the file. */
export interface ConfigChanges {
  readonly added: readonly string[]
  readonly removed: readonly string[]
  readonly changed: readonly string[]
  /** The files that hold something else now, the config file among them. Absolute paths. */
  readonly files: ReadonlySet<string>
}

/** Compares what two configs mean; how they are written counts for nothing, nor does the order of the entries. */
export const changesOf = (before: Config, next: Config): ConfigChanges => {
  const issuers = compare('issuer', named(before.issuers), named(next.issuers))
  const upstreams = compare('upstream', comparable(before.upstreams), comparable(next.upstreams))
  const rest = sections.filter((key) => !isDeepStrictEqual(before[key], next[key])).map((key) => fileKeys[key])
  return {
    added: [...issuers.added, ...upstreams.added],
    removed: [...issuers.removed, ...upstreams.removed],
    changed: [...issuers.changed, ...upstreams.changed, ...rest],
    files: new Set([...next.files].flatMap(([file, digest]) => (before.files.get(file) === digest ? [] : [file]))),
  }
}

const fileKeys = {
  listen: 'listen',
  requestId: 'request_id',
  refusals: 'refusals',
  traceContext: 'trace_context',
  dpop: 'dpop',
} as const satisfies Partial<Record<keyof Config, string>>

const sections = Object.keys(fileKeys) as (keyof typeof fileKeys)[] // of an object that is made right above

const named = (issuers: readonly Issuer[]): ReadonlyMap<string, unknown> =>
  new Map(issuers.map((issuer) => [issuer.name, issuer]))

/** By name, without the place in the file. */
const comparable = (upstreams: readonly Upstream[]): ReadonlyMap<string, unknown> =>
  new Map(upstreams.map((one) => [one.resource.name, { ...one, resource: { ...one.resource, index: 0 } }]))

const compare = (
  kind: string,
  before: ReadonlyMap<string, unknown>,
  next: ReadonlyMap<string, unknown>,
): Omit<ConfigChanges, 'files'> => {
  const added: string[] = []
  const changed: string[] = []
  for (const [name, value] of next) {
    if (!before.has(name)) added.push(`${kind} ${name}`)
    else if (!isDeepStrictEqual(before.get(name), value)) changed.push(`${kind} ${name}`)
  }
  const removed = [...before.keys()].filter((name) => !next.has(name)).map((name) => `${kind} ${name}`)
  return { added, removed, changed }
}

/** For a log line: ten thousand names are a number. */
export const shortened = (names: readonly string[]): readonly string[] =>
  names.length <= mostNames ? names : [...names.slice(0, mostNames), `and ${names.length - mostNames} more`]

const mostNames = 20
