import type { Resource } from '../decision/resource.ts'
import type { ProtectedResource } from './resource-permissions.ts'

/** What to sign with when an issuer accepts it, so that a demo shows more than one kind of key. */
const PREFERRED = ['RS256', 'ES256']

/**
 * The resources that an issuer's tokens are for, each indicator once, with every scope that a route of it names. They
 * take turns with the algorithms, among those that the gateway accepts from this issuer.
 */
export const issuedResources = (
  resources: readonly Resource[],
  issuer: { readonly name: string; readonly algorithms: readonly string[] },
): readonly ProtectedResource[] => {
  const scopes = new Map<string, Set<string>>()
  for (const resource of resources) {
    if (!resource.issuers.includes(issuer.name)) continue
    const known = scopes.get(resource.indicator) ?? new Set()
    for (const scope of scopesNamed(resource)) known.add(scope)
    scopes.set(resource.indicator, known)
  }
  const preferred = PREFERRED.filter((algorithm) => issuer.algorithms.includes(algorithm))
  const algorithms = preferred.length > 0 ? preferred : issuer.algorithms
  return [...scopes].map(([indicator, known], index) => ({
    indicator,
    scopes: [...known],
    algorithm: algorithms[index % algorithms.length] ?? 'RS256',
  }))
}

const scopesNamed = (resource: Resource): readonly string[] =>
  resource.all.flatMap(({ rule }) => (rule.kind === 'token' ? [...rule.scopes, ...rule.anyScope] : []))
