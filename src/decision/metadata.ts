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

/** What the document of one resource is made from. */
export interface MetadataSource {
  readonly indicator: string
  /** The `at:` of the config; undefined: the resource answers where its indicator says. */
  readonly at: string | undefined
  readonly place: Place
  readonly issuers: readonly string[]
  /** Needed on every route; what `scopes_supported` says unless the operator says more (PR-12). */
  readonly scopes: readonly string[]
  /** Whether every route that needs a token needs one that is bound to its sender. */
  readonly senderConstrained: boolean
  /** Of DPoP proofs that are accepted. */
  readonly proofAlgorithms: readonly string[]
  /**
   * Whether the listener itself asks for client certificates (RFC 8705). That a trusted proxy may forward one does not
   * count: nearly every gateway is behind some proxy, and few of those ask for certificates.
   */
  readonly clientCertificates: boolean
  /** The types that routes ask for (RA-4), each once. */
  readonly authorizationDetailsTypes: readonly string[]
  readonly options: MetadataOptions
}

/**
 * The RFC 9728 document of a resource, rendered at load: `resource` is the indicator byte for byte (PR-4), empty lists
 * and `false` are omitted (PR-6), issuers are named as they are compared with `iss` (PR-9), and nothing that follows from
 * the policy is written by hand (PR-8).
 *
 * @returns undefined for an indicator that is no http(s) URL: no consumer could check its document (RI-16)
 */
export const renderMetadata = (resource: MetadataSource): ResourceMetadata | undefined => {
  const { indicator, at, place, issuers, scopes, options } = resource
  const { senderConstrained, proofAlgorithms, clientCertificates, authorizationDetailsTypes } = resource
  if (!isHttpIndicator(indicator)) return undefined
  const supported = options.scopes_supported ?? scopes
  const document = {
    resource: indicator,
    ...(issuers.length > 0 && { authorization_servers: issuers }),
    ...(supported.length > 0 && { scopes_supported: supported }),
    bearer_methods_supported: ['header'],
    ...(options.resource_name !== undefined && { resource_name: options.resource_name }),
    ...(options.resource_documentation !== undefined && { resource_documentation: options.resource_documentation }),
    ...(clientCertificates && { tls_client_certificate_bound_access_tokens: true }),
    ...(authorizationDetailsTypes.length > 0 && { authorization_details_types_supported: authorizationDetailsTypes }),
    ...(proofAlgorithms.length > 0 && { dpop_signing_alg_values_supported: proofAlgorithms }),
    // A certificate would do as well: then no client may conclude that without DPoP there is no way in.
    ...(senderConstrained && !clientCertificates && { dpop_bound_access_tokens_required: true }),
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
