import { compileResources } from '../decision/match.ts'
import { originOfUri } from '../decision/public-uri.ts'
import type { PathPolicy, Resource, Resources, Rule } from '../decision/resource.ts'
import { type BaseContext, parseBase } from './compile-base.ts'
import { compileMetadata, type MetadataContext } from './compile-metadata.ts'
import { readPlace } from './compile-place.ts'
import { compileEntryRoutes } from './compile-routes.ts'
import { readScopes } from './compile-rule.ts'
import { checkTogether } from './compile-together.ts'
import { compileUpstream, createAlike } from './compile-upstream.ts'
import type { Upstream } from './config.ts'
import { bareEntry, type EntryInput } from './entry-schema.ts'
import type { Surroundings } from './named-file.ts'
import { findUnreachable } from './reachable.ts'
import type { Report } from './report.ts'
import type { FileInput } from './schema.ts'
import type { Path } from './tree.ts'

/** What the upstreams may refer to. */
export interface ResourceContext extends MetadataContext, BaseContext {
  readonly around: Surroundings
  /** Every name under `issuers`, also of entries that are wrong themselves. */
  readonly issuerNames: readonly string[]
  /** The field of the request id: no identity header may take its name. */
  readonly requestIdHeader: string
}

export interface CompiledUpstreams {
  readonly resources: Resources
  readonly upstreams: readonly Upstream[]
  /** Whether every entry could be compiled. */
  readonly complete: boolean
}

/** Compiles the map of upstreams: every entry for itself, then what no entry can tell alone. */
export const compileUpstreams = (input: FileInput['upstreams'], context: ResourceContext): CompiledUpstreams => {
  const found: Found[] = []
  const shared = new Map<string, Rule>()
  const alike = createAlike()
  let complete = true
  for (const [key, value] of Object.entries(input)) {
    const path = ['upstreams', key]
    const base = parseBase(key, path, 'key', context)
    const entries = Array.isArray(value) ? value : [value]
    for (const [index, one] of entries.entries()) {
      const at = Array.isArray(value) ? [...path, index] : path
      const bare = typeof one === 'string'
      const named = { entry: bare ? bareEntry(one) : one, at, indicatorAt: bare ? at : [...at, 'resource'] }
      const resource = compileEntry(named, found.length, shared, context)
      const options = compileUpstream(named.entry, at, base, { ...context, alike })
      if (!resource || !options) {
        complete = false
        continue
      }
      found.push({ ...named, resource, upstream: { resource, key, options } })
    }
  }
  const { resources, collisions } = compileResources(found.map(({ resource }) => resource))
  for (const { first, second } of collisions) {
    const [one, other] = [found[first], found[second]]
    if (!one || !other) continue
    const place = other.entry.at === undefined ? other.indicatorAt : [...other.at, 'at']
    context.report.problem(
      place,
      `answers at the same place as the resource in line ${context.report.line(one.indicatorAt)} ` +
        '(scheme, port and case of the host make no difference)',
    )
  }
  checkTogether(found, context.report)
  if (collisions.length === 0) findUnreachable(resources, found, context.report)
  return { resources, upstreams: found.map(({ upstream }) => upstream), complete }
}

interface Named {
  readonly entry: EntryInput
  readonly at: Path
  readonly indicatorAt: Path
}

interface Found extends Named {
  readonly resource: Resource
  readonly upstream: Upstream
}

const compileEntry = (
  named: Named,
  index: number,
  shared: Map<string, Rule>,
  context: ResourceContext,
): Resource | undefined => {
  const { entry, at, indicatorAt } = named
  const { report } = context
  const paths: PathPolicy = {
    encodedSlashes: entry.paths.encoded_slashes === 'pass',
    parameters: entry.paths.parameters === 'pass',
  }
  const scopes = readScopes(entry.scopes, [...at, 'scopes'], report)
  const routes = compileEntryRoutes(entry, at, paths, {
    report,
    scopes,
    senderConstrained: entry.sender_constrained,
    shared,
  })
  const issuers = readIssuers(entry, at, indicatorAt, context)
  checkIntrospection(issuers, named, context)
  const audiences = readAudiences(entry, at, report)
  checkIdentityHeaders(entry, at, context)
  const place = readPlace(entry, at, indicatorAt, paths, report)
  if (!place) return undefined
  const resource: Resource = {
    index,
    name: entry.name ?? defaultName(entry.resource),
    indicator: entry.resource,
    audiences: [entry.resource, ...audiences],
    issuers,
    place,
    // Of a bare path nothing: any host, and only the request can say (DP-7).
    origin: originOfUri(entry.at ?? entry.resource),
    paths,
    ...routes,
    metadata: compileMetadata(entry, at, { place, scopes, issuers, routes: routes.all }, context),
  }
  return resource
}

const readIssuers = (
  entry: EntryInput,
  at: Path,
  indicatorAt: Path,
  { issuerNames, report }: ResourceContext,
): readonly string[] => {
  if (entry.issuers === undefined) {
    if (issuerNames.length > 1 && !report.has([...at, 'issuers'])) {
      report.problem(indicatorAt, 'there are several issuers: `issuers` must name those that count for this resource')
    }
    return issuerNames
  }
  for (const [index, name] of entry.issuers.entries()) {
    const place = [...at, 'issuers', index]
    if (!issuerNames.includes(name)) report.problem(place, `there is no issuer \`${report.quote(place)}\``)
  }
  return [...new Set(entry.issuers)]
}

/** IN-10: an opaque token says nothing of who made it, and is never shown to a server that it may not be for. */
const checkIntrospection = (
  names: readonly string[],
  { indicatorAt, at, entry }: Named,
  { issuers, report }: ResourceContext,
): void => {
  const asked = issuers.filter(({ name, token }) => names.includes(name) && token.introspection !== undefined)
  if (asked.length < 2) return
  report.problem(
    entry.issuers === undefined ? indicatorAt : [...at, 'issuers'],
    `an opaque token could be of ${asked.map(({ name }) => `\`${name}\``).join(' or ')}: only one issuer of a resource may have \`introspection\``,
  )
}

const readAudiences = (entry: EntryInput, at: Path, report: Report): readonly string[] => {
  for (const [index, audience] of entry.accept_audiences.entries()) {
    const place = [...at, 'accept_audiences', index]
    if (audience === '') report.problem(place, 'an audience must not be empty')
    else if (audience.includes('*')) report.problem(place, 'audiences are compared exactly: there are no wildcards')
  }
  return [...new Set(entry.accept_audiences)].filter((audience) => audience !== entry.resource)
}

const checkIdentityHeaders = (entry: EntryInput, at: Path, { requestIdHeader, report }: ResourceContext): void => {
  for (const name of Object.keys(entry.identity_headers)) {
    if (name.toLowerCase() !== requestIdHeader.toLowerCase()) continue
    report.problem(
      [...at, 'identity_headers', name],
      `\`${name}\` carries the request id (\`request_id.header\`)`,
      'key',
    )
  }
}

/** Host and path of the indicator, other characters as `-`. */
const defaultName = (indicator: string): string =>
  indicator
    .replace(/^[^:]*:(?:\/\/)?/, '')
    .replace(/^([^/?]*?):\d+(?=[/?]|$)/, '$1')
    .replace(/\?.*$/s, '')
    .replace(/[^A-Za-z0-9._-]/g, '-')
