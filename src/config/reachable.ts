import { type Found, isMetadataPath, match } from '../decision/match.ts'
import type { Resource, Resources } from '../decision/resource.ts'
import { segmentKey } from '../decision/segment-key.ts'
import { parseRouteKey, type RouteKey } from '../decision/template.ts'
import type { Report } from './report.ts'
import type { Path } from './tree.ts'

/**
 * Reports routes that no request can reach because another resource, or the gateway itself, answers there. Asks the
 * matcher that requests will meet, with a path that only this template was written for.
 */
export const findUnreachable = (
  resources: Resources,
  found: readonly { readonly resource: Resource; readonly at: Path }[],
  report: Report,
): void => {
  for (const { resource, at } of found) {
    const { host = unknownHost, path: base } = resource.place
    const overlaid = isOverlaid(resources, resource)
    for (const route of resource.all) {
      if (route === resource.otherwise || !(overlaid || route.key.includes('/oauth-protected-resource'))) continue
      const key = parseRouteKey(route.key, resource.paths)
      if (!key.ok) continue
      const sample = samplePath(base, key.value)
      const answering = isMetadataPath(sample)
        ? 'the gateway itself'
        : otherResource(match(resources, host, sample, route.methods?.[0] ?? 'GET'), resource)
      if (answering === undefined) continue
      const path = [...at, 'routes', route.key]
      report.problem(path, `\`${route.key}\` can never match: ${answering} answers there`, 'key')
    }
  }
}

const otherResource = (found: Found, resource: Resource): string | undefined => {
  if (found.kind === 'host_unknown') return undefined
  const answering = found.kind === 'route' ? found.match.resource : found.resource
  return answering === undefined || answering === resource ? undefined : `the resource \`${answering.name}\``
}

/** A host that no entry names, so that the any-host entries are asked. */
const unknownHost = 'nobody.invalid'

/** Whether other places lie below the resource's own. */
const isOverlaid = (resources: Resources, { place }: Resource): boolean => {
  let node = place.host === undefined ? resources.anyHost : resources.hosts.get(place.host)
  for (const segment of place.path.split('/').slice(1))
    if (segment !== '') node = node?.children.get(segmentKey(segment)) ?? node
  return node !== undefined && node.children.size > 0
}

/** A path that the template matches; its free segments equal no literal that anybody writes. */
const samplePath = (base: string, { segments }: RouteKey): string => {
  if (segments.length === 0) return base === '' ? '/' : base
  const suffix = segments.map((segment) => {
    if (segment.kind === 'literal') return `/${segment.text}`
    return segment.kind === 'rest' ? '/~~/~~' : '/~~'
  })
  return base.replace(/\/$/, '') + suffix.join('')
}
