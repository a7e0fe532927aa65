import type { Config, Upstream } from '../config/config.ts'
import type { ClaimRule, Place, Route } from '../decision/resource.ts'
import { readArguments } from './arguments.ts'
import type { Run } from './command.ts'
import { requireConfig } from './config-file.ts'

export const usage = 'usage: audgate routes [--config FILE] [--format text|json]'

/** Shows what is served where, and what each route needs. */
export const run: Run = async (args, io) => {
  const asked = readArguments(args, io, usage, { format: true })
  if (typeof asked === 'number') return asked
  const config = requireConfig(asked.file, io)
  if (!config) return 1
  const resources = listRoutes(config)
  io.stdout(asked.format === 'json' ? `${JSON.stringify({ resources }, null, 2)}\n` : formatRoutes(resources))
  return 0
}

/** One resource with its routes, for people and for programs. */
export interface ListedResource {
  readonly name: string
  readonly resource: string
  readonly at: string
  readonly upstream: string
  readonly authorization: string
  readonly issuers: readonly string[]
  readonly accept_audiences: readonly string[]
  readonly routes: readonly ListedRoute[]
}

export interface ListedRoute {
  readonly route: string
  readonly needs: string
}

/** What is served where, in the order of the file. */
export const listRoutes = ({ upstreams }: Pick<Config, 'upstreams'>): readonly ListedResource[] =>
  upstreams.map(({ resource, key, options }: Upstream) => ({
    name: resource.name,
    resource: resource.indicator,
    at: placeOf(resource.place),
    upstream: key,
    authorization: options.authorization,
    issuers: resource.issuers,
    accept_audiences: resource.audiences.slice(1),
    routes: resource.all.map((route) => ({ route: route.key, needs: needsOf(route) })),
  }))

const formatRoutes = (resources: readonly ListedResource[]): string => {
  if (resources.length === 0) return 'nothing is served\n'
  return resources
    .map(({ name, resource, at, upstream, authorization, issuers, accept_audiences, routes }) => {
      const width = Math.max(...routes.map(({ route }) => route.length))
      const lines = [
        `${name}`,
        `  resource       ${resource}`,
        ...accept_audiences.map((audience) => `  also accepts   ${audience}`),
        `  at             ${at}`,
        `  upstream       ${upstream}`,
        `  authorization  ${authorization}`,
        `  issuers        ${issuers.join(', ') || 'none: every token is refused'}`,
        ...routes.map(({ route, needs }) => `    ${route.padEnd(width)}  ${needs}`),
      ]
      return `${lines.join('\n')}\n`
    })
    .join('\n')
}

const placeOf = ({ host, path }: Place): string => `${host ?? '(any host)'}${path === '' ? '/' : path}`

const needsOf = ({ rule }: Route): string => {
  if (rule.kind !== 'token') return rule.kind
  const parts = [
    ...(rule.scopes.length > 0 ? [`scope ${rule.scopes.join(' ')}`] : []),
    ...(rule.anyScope.length > 0 ? [`one of ${rule.anyScope.join(' ')}`] : []),
    ...rule.claims.map(claimOf),
  ]
  return parts.length === 0 ? 'any valid token' : parts.join(', ')
}

const claimOf = ({ claim, oneOf }: ClaimRule): string =>
  `${claim} = ${oneOf.map((one) => (one.kind === 'parameter' ? `{${one.name}}` : JSON.stringify(one.value))).join(' | ')}`
