import type { Reason } from '../decision/refusal.ts'
import type { ListenOptions } from './options.ts'
import type { Peer } from './peer.ts'

/** When a connection has had its share; 0 = no limit. */
export interface ConnectionShare {
  readonly requestsPerConnection: ListenOptions['limits']['requestsPerConnection']
  /** Its age in milliseconds. */
  readonly connectionMs: ListenOptions['timeouts']['connectionMs']
  readonly draining: () => boolean
}

/**
 * Whether a request is the last one of its connection, because of what came before it. To be asked once for each.
 *
 * @param now milliseconds of `performance.now()`
 */
export const createLast =
  ({ requestsPerConnection, connectionMs, draining }: ConnectionShare): ((peer: Peer, now: number) => boolean) =>
  (peer, now) => {
    peer.requests++
    return (
      draining() ||
      (requestsPerConnection > 0 && peer.requests >= requestsPerConnection) ||
      (connectionMs > 0 && now - peer.since >= connectionMs)
    )
  }

/** After these the rest of the connection cannot be trusted, or is not wanted. */
export const endsConnection: ReadonlySet<Reason> = new Set([
  'request_malformed',
  'target_malformed',
  'target_too_long',
  'request_timeout',
  'header_too_large',
  'body_too_large',
  'version_unsupported',
  'coding_not_implemented',
  'method_not_implemented',
  'internal',
])
