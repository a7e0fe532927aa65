import { compileResources } from '../../src/decision/match.ts'
import { renderMetadata } from '../../src/decision/metadata.ts'
import { parsePlace } from '../../src/decision/place.ts'
import type { Resource, Resources, Route, RouteNode, Rule } from '../../src/decision/resource.ts'
import { compileRoutes } from '../../src/decision/route-tree.ts'
import { parseRouteKey } from '../../src/decision/template.ts'

/** One resource of a test policy; rules are written as in the config. */
export interface TestResource {
  readonly indicator: string
  readonly name?: string
  readonly at?: string
  readonly accept?: readonly string[]
  readonly issuers?: readonly string[]
  readonly scopes?: readonly string[]
  readonly routes?: Readonly<Record<string, TestRule>>
  readonly otherwise?: TestRule
  readonly paths?: { readonly encodedSlashes?: boolean; readonly parameters?: boolean }
  readonly metadata?: boolean
}

type TokenRule = Extract<Rule, { kind: 'token' }>

/** A rule in words, or the members of a token rule that are not the default. */
export type TestRule = string | Partial<Omit<TokenRule, 'kind'>>

/** Compiles resources for tests of the decision, without a config file. Throws on collisions and conflicts. */
export const policy = (...entries: readonly TestResource[]): Resources => {
  const all = entries.map(toResource)
  const { resources, collisions } = compileResources(all)
  if (collisions.length > 0) throw new Error(`collision: ${JSON.stringify(collisions)}`)
  return resources
}

const toResource = (entry: TestResource, index: number): Resource => {
  const paths = { encodedSlashes: entry.paths?.encodedSlashes ?? false, parameters: entry.paths?.parameters ?? false }
  const parsed = parsePlace(entry.at ?? entry.indicator, paths)
  if (!parsed.ok) throw new Error(parsed.fault)
  const scopes = entry.scopes ?? []
  const routes = Object.entries(entry.routes ?? {}).map(([text, rule], position) => {
    const key = parseRouteKey(text, paths)
    if (!key.ok) throw new Error(`${text}: ${key.fault}`)
    const route: Route = { index: position, key: text, methods: key.value.methods, rule: toRule(rule, scopes) }
    return { key: key.value, route }
  })
  const otherwise: Route = {
    index: routes.length,
    key: entry.routes ? '_otherwise' : '_default',
    methods: undefined,
    rule: toRule(entry.otherwise ?? (entry.routes ? 'deny' : 'authenticated'), scopes),
  }
  const issuers = entry.issuers ?? ['main']
  return {
    index,
    name: entry.name ?? `resource-${index}`,
    indicator: entry.indicator,
    audiences: [entry.indicator, ...(entry.accept ?? [])],
    issuers,
    place: parsed.place,
    origin: /^https?:\/\/[^/?]+/.exec(entry.at ?? entry.indicator)?.[0],
    paths,
    routes: entry.routes ? tree(routes) : undefined,
    otherwise,
    all: [...routes.map(({ route }) => route), otherwise],
    metadata:
      entry.metadata === false
        ? undefined
        : renderMetadata({
            indicator: entry.indicator,
            at: entry.at,
            place: parsed.place,
            issuers: ['https://issuer.test/'],
            scopes,
            senderConstrained: false,
            proofAlgorithms: ['ES256'],
            clientCertificates: false,
            authorizationDetailsTypes: [],
            options: {},
          }),
  }
}

const tree = (routes: Parameters<typeof compileRoutes>[0]): RouteNode => {
  const compiled = compileRoutes(routes)
  if (compiled.conflicts.length > 0) throw new Error(compiled.conflicts.map(({ message }) => message).join('; '))
  return compiled.tree
}

const toRule = (rule: TestRule, resourceScopes: readonly string[]): Rule => {
  if (rule === 'public' || rule === 'deny') return { kind: rule }
  const own = typeof rule === 'string' ? { scopes: rule === 'authenticated' ? [] : rule.split(' ') } : rule
  return {
    kind: 'token',
    anyScope: [],
    claims: [],
    authorizationDetails: undefined,
    acr: [],
    maxAgeSeconds: undefined,
    senderConstrained: false,
    ...own,
    scopes: [...resourceScopes, ...(own.scopes ?? [])],
  }
}
