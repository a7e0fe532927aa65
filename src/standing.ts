import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config/config.ts'
import type { Grant } from './decision/authorize.ts'
import type { PublicPass } from './decision/decide.ts'
import { match } from './decision/match.ts'
import type { Resource } from './decision/resource.ts'
import type { RunningIssuer } from './issuers.ts'
import type { UpstreamOptions } from './upstream/options.ts'

/** What permissions stand on. */
export interface Ground {
  readonly config: Pick<Config, 'resources' | 'upstreams'>
  /** By config name. */
  readonly issuers: ReadonlyMap<string, RunningIssuer>
}

/**
 * Whether what was let in before a reload stands on the same ground after it (WS-10): its resource and audiences, the rule
 * of the route that its path takes now, the way to the upstream, and the issuer of its token with its keys. The token
 * itself is not judged again. The limits of a connection that runs, such as its certificates, are no ground.
 */
export const stands = (permission: Grant | PublicPass, before: Ground, now: Ground): boolean => {
  if (before === now) return true
  const { resource, route, suffix } = permission.match
  const found = match(now.config.resources, resource.place.host ?? '', pathOf(resource, suffix), 'GET')
  if (found.kind !== 'route') return false
  const { match: next } = found
  return (
    next.resource.name === resource.name &&
    next.resource.indicator === resource.indicator &&
    isDeepStrictEqual(next.resource.audiences, resource.audiences) &&
    isDeepStrictEqual([next.route.key, next.route.rule], [route.key, route.rule]) &&
    isDeepStrictEqual(wayTo(resource, before), wayTo(next.resource, now)) &&
    ('token' in permission ? isStillTrusted(permission.token.issuer, next.resource, before, now) : true)
  )
}

/** The whole path of a request, of which `suffix` is below the resource's place. */
const pathOf = ({ place }: Resource, suffix: string): string => `${place.path.replace(/\/$/, '')}${suffix}`

/** What requests to its upstream are made with, but what files of certificates held. */
const wayTo = ({ index }: Resource, { config }: Ground): UpstreamOptions | undefined => {
  const options = config.upstreams[index]?.options
  const { tls } = options ?? {}
  return options && { ...options, tls: tls && { ...tls, ca: undefined, certificate: undefined, key: undefined } }
}

const isStillTrusted = (issuer: string, { issuers }: Resource, before: Ground, now: Ground): boolean =>
  issuers.includes(issuer) && now.issuers.get(issuer) === before.issuers.get(issuer)
