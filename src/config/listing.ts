import type { AuthorizationDetailsRule, ClaimRule, Place, Route } from '../decision/resource.ts'
import type { Config, Upstream } from './config.ts'

/** One resource with its routes, for people and for programs. */
export interface ListedResource {
  readonly name: string
  readonly resource: string
  readonly at: string
  readonly upstream: string
  /** Further places where it runs, as written; absent: none. */
  readonly replicas?: readonly string[]
  readonly authorization: string
  readonly issuers: readonly string[]
  readonly accept_audiences: readonly string[]
  readonly routes: readonly ListedRoute[]
}

/** One line under `routes`, and what it needs in words. */
export interface ListedRoute {
  readonly route: string
  readonly needs: string
}

/** What is served where, in the order of the file: for `audgate routes` and the admin listener's `/routes` alike. */
export const listRoutes = ({ upstreams }: Pick<Config, 'upstreams'>): readonly ListedResource[] =>
  upstreams.map(({ resource, key, options }: Upstream) => ({
    name: resource.name,
    resource: resource.indicator,
    at: placeOf(resource.place),
    upstream: key,
    ...(options.replicas.length > 1 ? { replicas: options.replicas.slice(1).map(({ name }) => name) } : {}),
    authorization: options.authorization,
    issuers: resource.issuers,
    accept_audiences: resource.audiences.slice(1),
    routes: resource.all.map((route) => ({ route: route.key, needs: needsOf(route) })),
  }))

const placeOf = ({ host, path }: Place): string => `${host ?? '(any host)'}${path === '' ? '/' : path}`

const needsOf = ({ rule }: Route): string => {
  if (rule.kind !== 'token') return rule.kind
  const parts = [
    ...(rule.scopes.length > 0 ? [`scope ${rule.scopes.join(' ')}`] : []),
    ...(rule.anyScope.length > 0 ? [`one of ${rule.anyScope.join(' ')}`] : []),
    ...(rule.authorizationDetails ? [detailsOf(rule.authorizationDetails)] : []),
    ...rule.claims.map(claimOf),
    ...(rule.acr.length > 0 ? [`acr ${rule.acr.join(' or ')}`] : []),
    ...(rule.maxAgeSeconds === undefined ? [] : [`authenticated at most ${rule.maxAgeSeconds} s ago`]),
    ...(rule.senderConstrained ? ['bound to its sender'] : []),
  ]
  return parts.length === 0 ? 'any valid token' : parts.join(', ')
}

const detailsOf = ({ type, actions, locations }: AuthorizationDetailsRule): string => {
  const conditions = [
    ...(actions.length > 0 ? [`actions ${actions.join(' ')}`] : []),
    ...(locations.length > 0 ? [`a location of ${locations.join(' ')}`] : []),
  ]
  return `authorization_details of type ${type}${conditions.length > 0 ? ` with ${conditions.join(' and ')}` : ''}`
}

const claimOf = ({ claim, oneOf }: ClaimRule): string =>
  `${claim} = ${oneOf.map((one) => (one.kind === 'parameter' ? `{${one.name}}` : JSON.stringify(one.value))).join(' | ')}`
