import { isHttpIndicator } from './indicator.ts'
import { wellKnown } from './match.ts'
import { parsePlace } from './place.ts'
import type { Place, ResourceMetadata } from './resource.ts'

/** What the operator may say in the document beside what follows from the policy (PR-7, PR-8). */
export interface MetadataOptions {
  readonly resource_name?: string | undefined
  readonly resource_documentation?: string | undefined
  readonly scopes_supported?: readonly string[] | undefined
}

/**
 * The RFC 9728 document of a resource, rendered at load: `resource` is the indicator byte for byte (PR-4), empty lists
 * are omitted (PR-6), issuers are named as they are compared with `iss` (PR-9).
 *
 * @param at the `at:` of the config; undefined: the resource answers where its indicator says
 * @param scopes needed on every route; what `scopes_supported` says unless the operator says more (PR-12)
 * @returns undefined for an indicator that is no http(s) URL: no consumer could check its document (RI-16)
 */
export const renderMetadata = (resource: {
  readonly indicator: string
  readonly at: string | undefined
  readonly place: Place
  readonly issuers: readonly string[]
  readonly scopes: readonly string[]
  readonly options: MetadataOptions
}): ResourceMetadata | undefined => {
  const { indicator, at, place, issuers, scopes, options } = resource
  if (!isHttpIndicator(indicator)) return undefined
  const supported = options.scopes_supported ?? scopes
  const document = {
    resource: indicator,
    ...(issuers.length > 0 && { authorization_servers: issuers }),
    ...(supported.length > 0 && { scopes_supported: supported }),
    bearer_methods_supported: ['header'],
    ...(options.resource_name !== undefined && { resource_name: options.resource_name }),
    ...(options.resource_documentation !== undefined && { resource_documentation: options.resource_documentation }),
  }
  // A challenge names a URL that reaches this gateway: `at` when it is a whole URI, else the indicator's own (FW-6).
  const base = at !== undefined && isHttpIndicator(at) ? at : indicator
  return { url: wellKnownUrl(base), places: places(indicator, place), document: JSON.stringify(document) }
}

/** Insertion between host and path; a slash right behind the host is dropped, a query stays at the end (PR-1 … PR-3). */
const wellKnownUrl = (uri: string): string => {
  const [, origin = '', path = '', query = ''] = /^([^:]+:\/\/[^/?]+)([^?]*)(.*)$/s.exec(uri) ?? []
  return `${origin}${wellKnown}${path === '/' ? '' : path}${query}`
}

/** Where the document answers: at the resource's own place first, and where its indicator alone would lead a client. */
const places = (indicator: string, place: Place): readonly Place[] => {
  const own = parsePlace(indicator, { encodedSlashes: true, parameters: true })
  const all = own.ok
    ? [place, { host: place.host === undefined ? undefined : own.place.host, path: own.place.path }]
    : [place]
  // A trailing slash deeper in the path: RFC 9728 keeps it, RFC 8414 drops it; both spellings answer (PR-2).
  return all.flatMap(({ host, path }) =>
    path.endsWith('/')
      ? [
          { host, path },
          { host, path: path.slice(0, -1) },
        ]
      : [{ host, path }],
  )
}
