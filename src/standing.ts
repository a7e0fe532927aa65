import type { IncomingMessage } from 'node:http'
import { isDeepStrictEqual } from 'node:util'
import type { Config } from './config/config.ts'
import { parseAuthority } from './decision/authority.ts'
import type { Grant } from './decision/authorize.ts'
import { readCredentials } from './decision/credentials.ts'
import type { PublicPass } from './decision/decide.ts'
import { match } from './decision/match.ts'
import type { Resource } from './decision/resource.ts'
import { parseTarget } from './decision/target.ts'
import type { RunningIssuer } from './issuers.ts'
import type { KeyHint, VerificationKey } from './keys/key-source.ts'
import { formOf, readCompact } from './token/compact.ts'
import { generationOf } from './token/proof.ts'
import type { UpstreamOptions } from './upstream/options.ts'

/** What permissions stand on. */
export interface Ground {
  readonly config: Pick<Config, 'resources' | 'upstreams'>
  /** By config name. */
  readonly issuers: ReadonlyMap<string, RunningIssuer>
}

/**
 * Notes what a request stands on that was let in just now. What it returns tells whether that is still there (WS-10): its
 * resource and audiences, the rule of the route that its host and path take now, the way to the upstream, the issuer of
 * its token, and the key that the token was signed with: a key that comes in beside it changes nothing. For a token that
 * is encrypted or opaque that key is not known: there any change of the issuer's keys counts. A token is not judged again.
 * The limits of a connection that runs, such as its certificates, are no ground.
 *
 * Holds on to little, and to nothing else of the ground: a tunnel may outlive many reloads.
 *
 * @param ground what requests that come now meet
 */
export const standing = (
  permission: Grant | PublicPass,
  request: Pick<IncomingMessage, 'url' | 'headers'>,
  before: Ground,
  ground: () => Ground,
): (() => boolean) => {
  const { resource, route } = permission.match
  const { name, indicator, audiences, index } = resource
  const { host, path } = placeOf(request)
  const judged = [name, indicator, audiences, route.key, route.rule]
  const way = wayTo(index, before)
  const isTrusted =
    'token' in permission ? trusting(permission.token.issuer, request.headers.authorization, before) : undefined
  return () => {
    const now = ground()
    const found = match(now.config.resources, host, path, 'GET')
    if (found.kind !== 'route') return false
    const { match: next } = found
    const { resource: its, route: taken } = next
    return (
      isDeepStrictEqual([its.name, its.indicator, its.audiences, taken.key, taken.rule], judged) &&
      isDeepStrictEqual(wayTo(its.index, now), way) &&
      (isTrusted === undefined || isTrusted(its, now))
    )
  }
}

/** Where it is matched, as `admit` reads it: it was let in, so both are canonical. */
const placeOf = ({ url = '', headers }: Pick<IncomingMessage, 'url' | 'headers'>) => {
  const target = parseTarget('GET', url, 0)
  const { authority = headers.host ?? '', path = '' } = target.ok ? target.value : {}
  return { host: parseAuthority(authority) ?? '', path }
}

/** What requests to an upstream are made with, but what files of certificates held. */
const wayTo = (index: number, { config }: Ground): UpstreamOptions | undefined => {
  const options = config.upstreams[index]?.options
  const { tls } = options ?? {}
  return options && { ...options, tls: tls && { ...tls, ca: undefined, certificate: undefined, key: undefined } }
}

const trusting = (
  name: string,
  authorization: string | undefined,
  { issuers }: Ground,
): ((resource: Resource, now: Ground) => boolean) => {
  const issuer = issuers.get(name)
  const hasKey = issuer && keyOf(issuer, authorization)
  return (resource, now) =>
    resource.issuers.includes(name) && hasKey !== undefined && now.issuers.get(name) === issuer && hasKey()
}

/** Whether the issuer still has the key that the token was proven with. */
const keyOf = (issuer: RunningIssuer, authorization: string | undefined): (() => boolean) => {
  const generation = generationOf(issuer)
  const hint = hintOf(authorization)
  const key = hint && keyFor(issuer, hint)
  return () => {
    // Nor does anybody say that it is gone where the issuer cannot be asked.
    if (generationOf(issuer) === generation || issuer.keys.state === 'expired') return true
    if (hint === undefined || key === undefined) return false
    return keyFor(issuer, hint)?.equals(key) ?? false
  }
}

const keyFor = ({ keys }: RunningIssuer, hint: KeyHint): VerificationKey | undefined => {
  // A promise: it is not here.
  const found = keys.resolve(hint, 0)
  return !(found instanceof Promise) && found.ok ? found.value : undefined
}

const hintOf = (authorization: string | undefined): KeyHint | undefined => {
  const credentials = authorization === undefined ? undefined : readCredentials([authorization], '')
  if (!credentials?.ok || formOf(credentials.value.token) !== 'signed') return undefined
  const read = readCompact(credentials.value.token)
  if (!read.ok) return undefined
  const { alg, kid } = read.value.header
  return typeof alg === 'string' ? { alg, kid } : undefined
}
