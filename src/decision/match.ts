import type { Place, PlaceNode, Resource, Resources, Route } from './resource.ts'
import { findTemplate, splitSegments } from './route-tree.ts'
import { segmentKey } from './segment-key.ts'

/** The resource and the route that one request is for. */
export interface Match {
  readonly resource: Resource
  readonly route: Route
  /** The path below the resource's base: `''`, or from a `/` on. The upstream's base path stands before it. */
  readonly suffix: string
  /** Percent-decoded `{…}` segments; undefined: none. A Map, so that no name meets a prototype. */
  readonly parameters: ReadonlyMap<string, string> | undefined
  /** Every method that this path takes. */
  readonly allow: readonly string[]
}

export type Found =
  | { readonly kind: 'route'; readonly match: Match }
  | { readonly kind: 'host_unknown' }
  /** No resource has this path, or (then `resource` is known) no template of the resource does. */
  | { readonly kind: 'route_unknown'; readonly resource: Resource | undefined }
  | {
      readonly kind: 'method_not_allowed'
      readonly resource: Resource
      readonly route: Route
      readonly allow: readonly string[]
    }

/**
 * Finds what a request is for. Entries that name the host come first, then any-host ones, each by the longest prefix
 * on segment boundaries (RT-2, RT-3, RT-4); the cost depends on the path's segments, not on how many resources there are.
 *
 * @param host canonical, from `parseAuthority`
 * @param path canonical, from `parseTarget`
 */
export const match = (resources: Resources, host: string, path: string, method: string): Found => {
  const named = resources.hosts.get(host)
  const at = (named && findPlace(named, path)) ?? (resources.anyHost && findPlace(resources.anyHost, path))
  if (at) return matchRoute(at, method)
  const known = named !== undefined || resources.anyHost !== undefined
  return known ? { kind: 'route_unknown', resource: undefined } : { kind: 'host_unknown' }
}

/** Two resources at one place: nothing says which of them a request is for (RT-8). */
export interface Collision {
  readonly first: number
  readonly second: number
}

/** Builds the trees of places. Resources that collide are left out of them and reported. */
export const compileResources = (
  all: readonly Resource[],
): { readonly resources: Resources; readonly collisions: readonly Collision[] } => {
  const hosts = new Map<string, GrowingPlace>()
  const collisions: Collision[] = []
  let anyHost: GrowingPlace | undefined
  for (const resource of all) {
    const { host, path } = resource.place
    let root = host === undefined ? anyHost : hosts.get(host)
    if (!root) {
      root = growPlace()
      if (host === undefined) anyHost = root
      else hosts.set(host, root)
    }
    const slot = path.endsWith('/') ? 'slash' : 'exact'
    const node = descend(root, path)
    const taken = node[slot]
    if (taken) collisions.push({ first: taken.index, second: resource.index })
    else node[slot] = resource
  }
  return { resources: { all, hosts, anyHost, metadata: placeMetadata(all) }, collisions }
}

/** The resource whose RFC 9728 document a well-known path names, if any. `path` includes the well-known prefix. */
export const findMetadata = (resources: Resources, host: string, path: string): Resource | undefined => {
  const suffix = path.slice(wellKnown.length)
  return resources.metadata.get(host)?.get(suffix) ?? resources.metadata.get(anyHostKey)?.get(suffix)
}

/** `/.well-known/oauth-protected-resource` and what lies below it belong to the gateway alone (RT-10). */
export const isMetadataPath = (path: string): boolean =>
  path.startsWith(wellKnown) && (path.length === wellKnown.length || path.charCodeAt(wellKnown.length) === slash)

export const wellKnown = '/.well-known/oauth-protected-resource'

const slash = 0x2f
const anyHostKey = '*'

// Like PlaceNode, while it grows.
interface GrowingPlace extends PlaceNode {
  readonly children: Map<string, GrowingPlace>
  exact: Resource | undefined
  slash: Resource | undefined
}

const growPlace = (): GrowingPlace => ({ children: new Map(), exact: undefined, slash: undefined })

const descend = (root: GrowingPlace, path: string): GrowingPlace => {
  let node = root
  for (const segment of path.split('/').slice(1)) {
    if (segment === '') continue
    const key = segmentKey(segment)
    const child = node.children.get(key) ?? growPlace()
    node.children.set(key, child)
    node = child
  }
  return node
}

interface FoundPlace {
  readonly resource: Resource
  readonly suffix: string
}

const findPlace = (root: PlaceNode, path: string): FoundPlace | undefined => {
  if (path.charCodeAt(0) !== slash) return undefined // `OPTIONS *` is for no resource
  let resource = root.exact
  let end = 0
  let node: PlaceNode | undefined = root
  let start = 1
  while (node.children.size > 0) {
    const next = path.indexOf('/', start)
    const stop = next < 0 ? path.length : next
    node = node.children.get(segmentKey(path.slice(start, stop)))
    if (!node) break
    if (node.exact) {
      resource = node.exact
      end = stop
    }
    if (next < 0) break
    if (node.slash) {
      resource = node.slash
      end = next
    }
    start = next + 1
  }
  return resource && { resource, suffix: end === 0 ? path : path.slice(end) }
}

const matchRoute = ({ resource, suffix }: FoundPlace, method: string): Found => {
  if (!resource.routes) return settle(resource, resource.otherwise, suffix, method, undefined, everyday)
  const segments = splitSegments(suffix)
  const template = findTemplate(resource.routes, segments)
  if (!template) {
    return resource.otherwise.rule.kind === 'deny'
      ? { kind: 'route_unknown', resource }
      : settle(resource, resource.otherwise, suffix, method, undefined, everyday)
  }
  const route = template.byMethod.get(method) ?? template.anyMethod
  // The template is chosen by path alone; a method it does not list never falls to a weaker one.
  if (!route) {
    const [first] = template.byMethod.values()
    return { kind: 'method_not_allowed', resource, route: first ?? resource.otherwise, allow: template.allow }
  }
  const allow = template.anyMethod ? everyday : template.allow
  if (template.parameters.length === 0) return settle(resource, route, suffix, method, undefined, allow)
  const parameters = new Map<string, string>()
  for (const { name, segment } of template.parameters) parameters.set(name, decodeSegment(segments[segment] ?? ''))
  return settle(resource, route, suffix, method, parameters, allow)
}

const settle = (
  resource: Resource,
  route: Route,
  suffix: string,
  method: string,
  parameters: ReadonlyMap<string, string> | undefined,
  allow: readonly string[],
): Found =>
  method === 'TRACE'
    ? { kind: 'method_not_allowed', resource, route, allow: everyday }
    : { kind: 'route', match: { resource, route, suffix, parameters, allow } }

/** `Allow` where a resource takes every method: TRACE is the only one it does not (HS-7, HS-21). */
const everyday = ['GET', 'HEAD', 'POST', 'PUT', 'PATCH', 'DELETE', 'OPTIONS']

// A canonical path holds valid UTF-8 only, so this cannot throw.
const decodeSegment = (segment: string): string => (segment.includes('%') ? decodeURIComponent(segment) : segment)

// A resource's own place first, for all of them: no indicator may shadow the place of another resource (PR-16).
const placeMetadata = (all: readonly Resource[]): Map<string, Map<string, Resource>> => {
  const hosts = new Map<string, Map<string, Resource>>()
  const add = (resource: Resource, { host, path }: Place): void => {
    const key = host ?? anyHostKey
    const paths = hosts.get(key) ?? new Map<string, Resource>()
    hosts.set(key, paths)
    if (!paths.has(path)) paths.set(path, resource)
  }
  for (const resource of all) for (const place of resource.metadata?.places.slice(0, 1) ?? []) add(resource, place)
  for (const resource of all) for (const place of resource.metadata?.places.slice(1) ?? []) add(resource, place)
  return hosts
}
