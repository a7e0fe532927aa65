import type { Refusal } from '../decision/refusal.ts'
import { isLost } from './failure.ts'

/** What is known of an attempt that failed. */
export interface Failed {
  readonly method: string
  readonly hasBody: boolean
  readonly refusal: Refusal
  /** There was a connection, and the request had begun to go. */
  readonly sent: boolean
  /** An octet of an answer has come, be it of an interim one. */
  readonly heard: boolean
  /** The connection had served before. */
  readonly reused: boolean
}

/**
 * Where a request that failed may be sent again (RFC 9110 section 9.2.2, HS-16): `elsewhere`, at another replica only;
 * `anew`, also at the same one; undefined, nowhere. Says nothing of how often.
 *
 * What was never sent may be, whatever it is: undici reads no content before there is a connection. What was sent, only
 * when the connection was lost without an octet of an answer, when nothing happens twice if it is done twice, and when
 * no content was to go with it, for that is gone. A replica is asked again only when the fault may have been the
 * connection's: it had served before, and the other side closed it as our request came (RFC 9112 section 9.3.1).
 */
export const placeAgain = ({
  method,
  hasBody,
  refusal,
  sent,
  heard,
  reused,
}: Failed): 'elsewhere' | 'anew' | undefined => {
  const may = sent ? isLost(refusal) && !heard && !hasBody && isIdempotent(method) : refusal.reason !== 'internal'
  if (!may) return undefined
  return reused ? 'anew' : 'elsewhere'
}

/** Of those that pass through a gateway; what an extension defines is not known here. */
export const isIdempotent = (method: string): boolean => idempotent.has(method)

const idempotent: ReadonlySet<string> = new Set(['GET', 'HEAD', 'OPTIONS', 'PUT', 'DELETE'])
