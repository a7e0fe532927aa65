import type { Resource, Route, Rule } from '../decision/resource.ts'
import { parseRouteKey } from '../decision/template.ts'
import type { DevOptions } from './options.ts'
import { permissionsOf } from './resource-permissions.ts'

/** One request to try, the token it needs, and the answer it gets. */
export interface DemoLine {
  readonly title: string
  readonly method: string
  readonly url: string
  /** `Host` to send when the resource answers at a name of its own; undefined: the URL's. */
  readonly host: string | undefined
  readonly token: TokenWish | undefined
  /** Status, and the reason of a refusal. */
  readonly answer: string
}

export interface TokenWish {
  readonly indicator: string
  /** Undefined: everything that the client's roles permit. */
  readonly scope: string | undefined
  readonly expired: boolean
}

export interface DemoPlan {
  readonly client: { readonly id: string; readonly secret: string }
  readonly lines: readonly DemoLine[]
}

interface DemoRoute {
  readonly method: string
  readonly path: string
  readonly scopes: readonly string[]
  readonly anyScope: readonly string[]
}

type TokenRule = Extract<Rule, { kind: 'token' }>

/** Nothing that any API here knows: asked for alone, the token carries no scope at all. */
const NO_SCOPE = 'openid'
const READS = ['GET']
const WRITES = ['POST', 'PUT', 'PATCH', 'DELETE']

/**
 * Chooses what to try: the client with a secret, and the resource among `candidates`, that show most. A configuration
 * without such a client or without a route to show gives undefined, one that has no write or no second resource gives
 * fewer lines.
 *
 * @param candidates resources whose upstream is a sample API
 * @param issued indicators that the authorization server issues tokens for
 * @param gateway origin at which the gateway is reached
 */
export const planDemo = (
  candidates: readonly Resource[],
  { dev, issued, gateway }: { readonly dev: DevOptions; readonly issued: readonly string[]; readonly gateway: string },
): DemoPlan | undefined => {
  const plans = [...dev.clients].flatMap(([id, { secret, roles }]) => {
    if (secret === undefined || roles.length === 0) return []
    return candidates.map((resource) => {
      const permitted = permissionsOf(roles, resource.indicator, dev.roles)
      const other = issued.find((indicator) => !resource.audiences.includes(indicator))
      const lines = linesFor(resource, { permitted, other, gateway })
      // The expired token is a good one whose times were changed, and nobody here can look into an encrypted one.
      const shown = dev.encrypt.includes(resource.indicator) ? lines.filter(({ token }) => !token?.expired) : lines
      return { client: { id, secret }, lines: shown }
    })
  })
  return plans.filter(({ lines }) => lines.length > 0).sort((a, b) => b.lines.length - a.lines.length)[0]
}

const linesFor = (
  resource: Resource,
  {
    permitted,
    other,
    gateway,
  }: { readonly permitted: readonly string[]; readonly other: string | undefined; readonly gateway: string },
): readonly DemoLine[] => {
  const allowed = (methods: readonly string[]) =>
    routesFor(resource, methods).find((route) => satisfies(permitted, route))
  const read = allowed(READS)
  const write = allowed(WRITES)
  if (read === undefined) return []
  const placePath = resource.place.path
  const at = (route: DemoRoute) => ({
    method: route.method,
    url: gateway + (route.path === '' ? placePath || '/' : placePath.replace(/\/$/, '') + route.path),
    host: resource.place.host,
  })
  const { indicator } = resource
  const full: TokenWish = { indicator, scope: undefined, expired: false }
  const demanding = [write, read].find((route) => route !== undefined && !satisfies([], route))
  return [
    { title: 'allowed read', ...at(read), token: full, answer: '200' },
    ...(write === undefined
      ? []
      : [{ title: 'allowed write', ...at(write), token: full, answer: write.method === 'POST' ? '201' : '200' }]),
    { title: 'no token', ...at(read), token: undefined, answer: '401 token_missing' },
    ...(other === undefined
      ? []
      : [
          {
            title: 'token for the other API',
            ...at(read),
            token: { ...full, indicator: other },
            answer: '401 audience_mismatch',
          },
        ]),
    ...(demanding === undefined
      ? []
      : [
          {
            title: 'missing scope',
            ...at(demanding),
            token: { ...full, scope: scopeWithout(demanding, permitted) },
            answer: '403 scope_insufficient',
          },
        ]),
    { title: 'expired token', ...at(read), token: { ...full, expired: true }, answer: '401 token_expired' },
  ]
}

const scopeWithout = ({ scopes, anyScope }: DemoRoute, permitted: readonly string[]): string =>
  permitted.filter((scope) => !scopes.includes(scope) && !anyScope.includes(scope)).join(' ') || NO_SCOPE

const satisfies = (held: readonly string[], { scopes, anyScope }: DemoRoute): boolean =>
  scopes.every((scope) => held.includes(scope)) &&
  (anyScope.length === 0 || anyScope.some((scope) => held.includes(scope)))

/** Routes that ask for a token, for scopes and for nothing else, each with one of those methods and a path that matches. */
const routesFor = (resource: Resource, methods: readonly string[]): readonly DemoRoute[] =>
  resource.all.flatMap((route) => {
    const { rule } = route
    if (rule.kind !== 'token' || asksForMore(rule)) return []
    const path = examplePath(route, resource)
    const method = methods.find((candidate) => route.methods?.includes(candidate) ?? true)
    return path === undefined || method === undefined
      ? []
      : [{ method, path, scopes: rule.scopes, anyScope: rule.anyScope }]
  })

/** What no token of the client credentials grant has: claims, a step-up, a bound key. */
const asksForMore = ({ claims, acr, maxAgeSeconds, authorizationDetails, senderConstrained }: TokenRule): boolean =>
  claims.length > 0 ||
  acr.length > 0 ||
  maxAgeSeconds !== undefined ||
  authorizationDetails !== undefined ||
  senderConstrained

/** The path below the resource's place for the route's template, with `42` for what may be anything. */
const examplePath = (route: Route, resource: Resource): string | undefined => {
  if (route.key === '_default') return ''
  const parsed = parseRouteKey(route.key, resource.paths)
  if (!parsed.ok) return undefined
  const segments = parsed.value.segments.flatMap((segment) => {
    if (segment.kind === 'rest') return []
    return [segment.kind === 'literal' ? segment.text : '42']
  })
  return segments.map((segment) => `/${segment}`).join('')
}
