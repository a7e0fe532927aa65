import { parseAuthority } from './authority.ts'
import type { Candidate } from './authorize.ts'
import { readCredentials, type Scheme, schemeMeant } from './credentials.ts'
import { type Found, findMetadata, isMetadataPath, type Match, match } from './match.ts'
import { isImplemented } from './method.ts'
import type { Refusal } from './refusal.ts'
import type { Resource, Resources, Route } from './resource.ts'
import type { Step } from './step.ts'
import { parseTarget, relaxationFault, type Target } from './target.ts'

/** What the decision needs to know of a request: no HTTP objects, no clock. */
export interface RequestFacts {
  readonly method: string
  /** The request target as sent. */
  readonly target: string
  /** The one `Host` value as sent; undefined: none (HTTP/1.0 only). Replaced by an absolute-form target's authority. */
  readonly authority: string | undefined
  /** Every `Authorization` field line (BR-5). */
  readonly authorization: readonly string[]
  /** Came over TLS, here or at a trusted proxy. */
  readonly secure: boolean
}

/** What binds every request to this listener. */
export interface AdmissionPolicy {
  /** Bytes; 0 = no limit. */
  readonly targetSize: number
  readonly requireHttps: boolean
}

declare const admitted: unique symbol

/** The pass of a route that the operator wrote as `public`. {@link admit} is its only maker. */
export interface PublicPass {
  readonly [admitted]: true
  readonly match: Match
}

/** What a request turned out to be for; `where` names what is known of it, for the log and the challenge. */
export interface Where {
  /** The authority that counts: an absolute-form target's, else `Host` as sent; `''` when there was none. */
  readonly authority: string
  /** `''` when the target was refused. */
  readonly path: string
  readonly query: string
  readonly resource: Resource | undefined
  readonly route: Route | undefined
  /** The authentication scheme that was used; undefined: none that counts. */
  readonly scheme: Scheme | undefined
}

export type Admission =
  | { readonly kind: 'refused'; readonly refusal: Refusal; readonly where: Where }
  | { readonly kind: 'public'; readonly pass: PublicPass; readonly where: Where }
  | { readonly kind: 'metadata'; readonly resource: Resource; readonly where: Where }
  | { readonly kind: 'candidate'; readonly candidate: Candidate; readonly where: Where }

/**
 * The first half of the decision, before the token is verified: method, target, host, place, route, credentials.
 * Message framing was judged before; the second half is `authorize`.
 */
export const admit = (facts: RequestFacts, resources: Resources, policy: AdmissionPolicy, step?: Step): Admission => {
  const { method } = facts
  const unread: Where = { ...nowhere, authority: facts.authority ?? '' }
  if (!isImplemented(method)) return refused({ reason: 'method_not_implemented' }, unread)
  const parsed = parseTarget(method, facts.target, policy.targetSize)
  step?.({ name: 'target', expected: 'a canonical path', found: describeTarget(facts.target), ok: parsed.ok })
  if (!parsed.ok) return refused(parsed.refusal, unread)
  const target = parsed.value
  const { path, query } = target
  // RFC 9110 section 7.4: what is asked for by its scheme must be asked for over such a connection (H1-2).
  if (target.authority !== undefined && https.test(facts.target) !== facts.secure)
    return refused({ reason: 'target_malformed', fault: 'the scheme of the URI is not that of the connection' }, unread)
  const authority = target.authority ?? facts.authority ?? ''
  const somewhere: Where = { ...nowhere, authority, path, query }
  const host = authority === '' ? '' : parseAuthority(authority)
  if (host === undefined)
    return refused(
      { reason: 'request_malformed', fault: 'the authority is not a host with an optional port' },
      // Not logged as sent: what stands before an `@` may be a password.
      { ...somewhere, authority: '' },
    )
  if (policy.requireHttps) {
    step?.({ name: 'transport', expected: 'TLS', found: facts.secure ? 'TLS' : 'plain HTTP', ok: facts.secure })
    if (!facts.secure) return refused({ reason: 'https_required' }, somewhere)
  }
  if (isMetadataPath(path)) return metadata(resources, host, method, somewhere)
  const found = match(resources, host, path, method)
  if (target.encodedSlash || target.parameters) {
    const fault = unrelaxed(target, found)
    if (fault !== undefined)
      return refused({ reason: 'target_malformed', fault }, { ...somewhere, path: '', query: '' })
  }
  reportMatch(found, host, path, method, step)
  switch (found.kind) {
    case 'host_unknown':
      return refused({ reason: 'host_unknown' }, somewhere)
    case 'route_unknown':
      return refused(
        { reason: 'route_unknown' },
        { ...somewhere, resource: found.resource, route: found.resource?.otherwise },
      )
    case 'method_not_allowed':
      return refused(
        { reason: 'method_not_allowed', allow: found.allow },
        { ...somewhere, resource: found.resource, route: found.route },
      )
    case 'route':
      return admitRoute(
        found.match,
        facts,
        { ...somewhere, resource: found.match.resource, route: found.match.route },
        step,
      )
  }
}

const https = /^https:/i

const admitRoute = (matched: Match, facts: RequestFacts, where: Where, step?: Step): Admission => {
  const { rule } = matched.route
  if (rule.kind === 'public') return { kind: 'public', pass: { match: matched } as PublicPass, where }
  if (rule.kind === 'deny') return refused({ reason: 'route_denied' }, where)
  const credentials = readCredentials(facts.authorization, where.query)
  step?.({
    name: 'credentials',
    expected: 'one Bearer or DPoP token in Authorization',
    found: credentials.ok ? `one ${credentials.value.scheme} token` : faultOf(credentials.refusal),
    ok: credentials.ok,
  })
  if (!credentials.ok) return refused(credentials.refusal, { ...where, scheme: schemeMeant(facts.authorization) })
  const { scheme, token } = credentials.value
  return {
    kind: 'candidate',
    candidate: { match: matched, rule, scheme, credential: token },
    where: { ...where, scheme },
  }
}

const metadata = (resources: Resources, host: string, method: string, where: Where): Admission => {
  const resource = findMetadata(resources, host, where.path)
  if (!resource) return refused({ reason: isServed(resources, host) ? 'route_unknown' : 'host_unknown' }, where)
  if (method !== 'GET' && method !== 'HEAD')
    return refused({ reason: 'method_not_allowed', allow: ['GET', 'HEAD'] }, where)
  return { kind: 'metadata', resource, where: { ...where, resource } }
}

const isServed = (resources: Resources, host: string): boolean =>
  resources.anyHost !== undefined || resources.hosts.has(host) || resources.metadata.has(host)

const refused = (refusal: Refusal, where: Where): Admission => ({ kind: 'refused', refusal, where })

/** What is known of a request before its target was read. */
export const nowhere: Where = {
  authority: '',
  path: '',
  query: '',
  resource: undefined,
  route: undefined,
  scheme: undefined,
}

/** A relaxed target is good only for a resource that has the relaxation; for nobody's path the default holds. */
const unrelaxed = (target: Target, found: Found): string | undefined => {
  const paths =
    found.kind === 'route'
      ? found.match.resource.paths
      : found.kind === 'host_unknown'
        ? undefined
        : found.resource?.paths
  const slashes = !target.encodedSlash || paths?.encodedSlashes === true
  const parameters = !target.parameters || (paths?.parameters === true && !inPrefix(target, found))
  return slashes && parameters ? undefined : relaxationFault(slashes ? { ...target, encodedSlash: false } : target)
}

/** Parameters inside the prefix would be lost when the base path replaces it: what is judged would not be what is sent. */
const inPrefix = (target: Target, found: Found): boolean =>
  found.kind === 'route' && /;|%3b/i.test(target.path.slice(0, target.path.length - found.match.suffix.length))

const describeTarget = (raw: string): string => (raw.split('?', 1)[0] ?? '').slice(0, 200)

const faultOf = (refusal: Refusal): string => ('fault' in refusal ? refusal.fault : refusal.reason)

const reportMatch = (found: Found, host: string, path: string, method: string, step?: Step): void => {
  if (!step) return
  step({
    name: 'host',
    expected: 'a host that something is served at',
    found: host || 'none',
    ok: found.kind !== 'host_unknown',
  })
  if (found.kind === 'host_unknown') return
  const place = found.kind === 'route' ? found.match.resource : found.resource
  step({
    name: 'resource',
    expected: 'a resource at this path',
    found: place ? `${place.name} (${place.indicator})` : `none at ${path}`,
    ok: place !== undefined,
  })
  if (!place) return
  const route =
    found.kind === 'route'
      ? found.match.route.key
      : found.kind === 'method_not_allowed'
        ? `none; this path takes ${found.allow.join(', ')}`
        : 'none'
  step({ name: 'route', expected: `a route for ${method}`, found: route, ok: found.kind === 'route' })
}
