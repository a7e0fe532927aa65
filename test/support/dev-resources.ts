import type { Resource, Route, Rule } from '../../src/decision/resource.ts'

type TokenRule = Extract<Rule, { kind: 'token' }>

/** Route key -> what it needs. */
export type Needs = Readonly<Record<string, Partial<TokenRule> | 'public'>>

/** A compiled resource as the gateway has it, with routes by their keys; no key: one `_default` route. */
export const devResource = (
  indicator: string,
  needs: Needs,
  { host, path = '', issuers = ['main'] }: { host?: string; path?: string; issuers?: readonly string[] } = {},
): Resource => {
  const all = Object.entries(needs).map(([key, need], index): Route => {
    const methods = key.includes(' ') ? key.split(' ')[0]?.split(',') : undefined
    return { index, key, methods, rule: ruleFor(need) }
  })
  const otherwise: Route = { index: all.length, key: '_otherwise', methods: undefined, rule: { kind: 'deny' } }
  return {
    index: 0,
    name: indicator.split('/').at(-1) ?? indicator,
    indicator,
    audiences: [indicator],
    issuers,
    place: { host, path },
    origin: undefined,
    paths: { encodedSlashes: false, parameters: false },
    routes: undefined,
    otherwise,
    all: [...all, otherwise],
    metadata: undefined,
  }
}

const ruleFor = (need: Needs[string]): Rule => {
  if (need === 'public') return { kind: 'public' }
  const nothing = { scopes: [], anyScope: [], claims: [], acr: [], maxAgeSeconds: undefined, senderConstrained: false }
  return { kind: 'token', authorizationDetails: undefined, ...nothing, ...need }
}
