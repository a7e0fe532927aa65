import type { Scheme } from '../decision/credentials.ts'
import type { Delivery } from '../decision/delivery.ts'
import type { Refusal } from '../decision/refusal.ts'
import type { Resource, Route } from '../decision/resource.ts'

/** Everything that is told about one request: one log line, one count, one set of durations. Filled as it goes. */
export interface RequestRecord {
  requestId: string
  method: string
  /** As sent; a log field, never a label. */
  host: string
  /** The path that was matched and forwarded, without the query; `''` when the target was refused. */
  path: string
  resource: Resource | undefined
  route: Route | undefined
  /** The authentication scheme that was used. */
  scheme: Scheme | undefined
  /** 0 until a status was sent. */
  status: number
  decision: 'allow' | 'deny'
  /** The refusal that was answered, of the decision or of the upstream, or why the upstream broke off; undefined: none. */
  refusal: Refusal | undefined
  /** Config name of the token's issuer; '' when unknown. */
  issuer: string
  clientId: string
  /** Milliseconds of `performance.now()`. */
  startedAt: number
  /** When the decision was made. */
  decidedAt: number
  /** When the upstream request was handed over; 0: never. */
  forwardedAt: number
  /** When the response head of the upstream came; 0: never. */
  upstreamHeadAt: number
  /** When our own response head was written; 0: never. */
  headAt: number
  endedAt: number
  bytesIn: number
  bytesOut: number
  remoteAddress: string
  delivery: Delivery['kind']
  /** Who broke the stream, when `delivery` is `broken` and it is known. */
  brokenBy: 'client' | 'upstream' | 'shutdown' | undefined
}

/** A record of which nothing is known yet but the method. */
export const newRecord = (method: string, startedAt: number): RequestRecord => ({
  requestId: '',
  method,
  host: '',
  path: '',
  resource: undefined,
  route: undefined,
  scheme: undefined,
  status: 0,
  decision: 'deny',
  refusal: undefined,
  issuer: '',
  clientId: '',
  startedAt,
  decidedAt: 0,
  forwardedAt: 0,
  upstreamHeadAt: 0,
  headAt: 0,
  endedAt: 0,
  bytesIn: 0,
  bytesOut: 0,
  remoteAddress: '',
  delivery: 'delivered',
  brokenBy: undefined,
})

/** Where one finished request goes. Must not throw. */
export type RecordSink = (record: RequestRecord) => void
