import { isRemovedFromRequests } from '../decision/field-names.ts'
import { unstoredCacheControl } from './cache-control.ts'

/** What the request to the upstream says about the hop in front of it. */
export interface Hop {
  /** The client's address as the gateway believes it, ready for `X-Forwarded-For`: the trusted chain and the peer. */
  readonly forwardedFor: string
  /** The same for `Forwarded`. */
  readonly forwarded: string
  readonly proto: string
  readonly host: string
  /** The whole `Via` value, our own entry last. */
  readonly via: string
  readonly requestId: string
}

/** Builds the field lines to an upstream, as a flat list of names and values. */
export type RequestHeaders = (request: {
  readonly raw: readonly string[]
  /** Lower-case names that the client's `Connection` nominates. */
  readonly nominated: ReadonlySet<string> | undefined
  /** `Host` towards the upstream (HS-26). */
  readonly authority: string
  /** Whether the verified credential goes on, byte for byte (BR-19). */
  readonly keepAuthorization: boolean
  /** Whether caches behind the gateway are told to keep nothing (CA-3). */
  readonly noStore: boolean
  readonly hop: Hop
  /** The trace context that goes on, names and values in turn. */
  readonly trace: readonly string[]
  /** What is left of `Max-Forwards`; undefined: the field passes as it is (HS-6). */
  readonly maxForwards: number | undefined
  /** The identity fields, names and values in turn. */
  readonly identity: readonly string[]
}) => string[]

/**
 * Order and repetition of what passes are kept (HS-14). Hop-by-hop fields and those named by `Connection` go first, the
 * gateway's own are added last, so that no client can delete or shadow them (HS-1, HS-3, FW-13).
 *
 * @param owned lower-case names that only the gateway may set, on any route of any upstream (FW-8)
 */
export const createRequestHeaders = (requestIdHeader: string, owned: ReadonlySet<string>): RequestHeaders => {
  // Spelling -> fate, so that a name is lowered and looked at once. Bounded: a stranger chooses the names.
  const fates = new Map<string, Fate>()
  const fateOf = (name: string): Fate => {
    const known = fates.get(name)
    if (known !== undefined) return known
    const fate = owned.has(name.toLowerCase()) ? 'drop' : judge(name)
    if (fates.size < fatesAtMost && name.length <= 64) fates.set(name, fate)
    return fate
  }
  return ({ raw, nominated, authority, keepAuthorization, noStore, hop, trace, maxForwards, identity }) => {
    const out: string[] = ['Host', authority]
    let cache = ''
    for (let i = 0; i + 1 < raw.length; i += 2) {
      const name = raw[i] ?? ''
      const fate = fateOf(name)
      if (fate === 'drop' || (fate === 'authorization' && !keepAuthorization)) continue
      if (nominated?.has(name.toLowerCase())) continue
      const value = raw[i + 1] ?? ''
      if (fate === 'cache' && noStore) cache = cache === '' ? value : `${cache}, ${value}`
      else if (fate === 'max-forwards' && maxForwards !== undefined) out.push(name, String(maxForwards))
      else out.push(name, value)
    }
    if (noStore) out.push('Cache-Control', unstoredCacheControl(cache))
    out.push('X-Forwarded-For', hop.forwardedFor, 'X-Forwarded-Proto', hop.proto, 'X-Forwarded-Host', hop.host)
    out.push('Forwarded', hop.forwarded, 'Via', hop.via, requestIdHeader, hop.requestId)
    for (const part of trace) out.push(part)
    for (const part of identity) out.push(part)
    return out
  }
}

const fatesAtMost = 2000

type Fate = 'pass' | 'authorization' | 'cache' | 'max-forwards' | 'drop'

const judge = (name: string): Fate => {
  // `X_Auth_Subject`, `X.Auth.Subject`: CGI-style upstreams fold them into the real name (FW-9).
  if (!/^[A-Za-z0-9-]+$/.test(name)) return 'drop'
  const lower = name.toLowerCase()
  switch (lower) {
    case 'authorization':
    case 'max-forwards':
      return lower
    case 'cache-control':
      return 'cache'
    // What was found valid of them is given anew (TC-3).
    case 'traceparent':
    case 'tracestate':
      return 'drop'
    default:
      return isRemovedFromRequests(lower) ? 'drop' : 'pass'
  }
}
