import type { IncomingMessage, ServerResponse } from 'node:http'
import type { Dispatcher } from 'undici'
import type { Refusal } from '../decision/refusal.ts'
import type { Ending } from './pool.ts'
import type { Hop } from './request-headers.ts'
import type { Upgrade } from './tunnel.ts'

/** What is forwarded, and how its course is told. The callbacks must not throw. */
export interface Exchange {
  readonly request: IncomingMessage
  readonly response: ServerResponse
  readonly hasBody: boolean
  readonly nominated: ReadonlySet<string> | undefined
  readonly hop: Hop
  /** Byte for byte as the client sent it; not part of any decision. */
  readonly query: string
  /** The trace context that goes on, names and values in turn. */
  readonly trace: readonly string[]
  /** What is left of `Max-Forwards`; undefined: it does not count for this method, or was not sent (HS-6). */
  readonly maxForwards: number | undefined
  /** It came as an upgrade; undefined: an ordinary request. */
  readonly upgrade: Upgrade | undefined
  /** Bytes of request content that may pass; 0 = no limit (HS-22). */
  readonly bodySize: number
  /** The head of the upstream's answer has come. */
  readonly onAnswer: () => void
  /** Our head with this status was written. */
  readonly onHead: (status: number) => void
  readonly onBytes: (direction: 'in' | 'out', count: number) => void
  /** Nothing was sent to the client yet: the caller answers. Called at most once, and then nothing else. */
  readonly onRefused: (refusal: Refusal) => void
  /**
   * The client has everything, or the stream broke after the head. Called at most once, and then nothing else.
   *
   * @param fault what the upstream did, when it was the one that broke an answer off
   */
  readonly onEnd: (broken: 'client' | 'upstream' | undefined, fault?: Refusal) => void
  /**
   * Reads what is still to come of the content and throws it away, within bounds of time and size; then `over`. May be
   * called after `onEnd`.
   */
  readonly dropRest: (over: () => void) => void
}

export type Cancel = (refusal: Refusal) => void

/** One exchange with the client, over as many attempts at the upstream as it takes. */
export interface Relay {
  /** The handler of an attempt, the first or the next one. */
  attempt(attempt: Attempt): Dispatcher.DispatchHandler
  /** Nothing was sent to the client yet: gives up, aborts upstream, then `onRefused`. Else without effect. */
  readonly cancel: Cancel
}

/** What the relay tells of an attempt to whom it belongs. */
export interface Attempt {
  /** It is over; called once. */
  readonly ended: (outcome: Ending) => void
  /**
   * It failed before any octet of a final answer. True: the exchange goes on with another attempt, and the relay waits
   * for it.
   *
   * @param sent whether there was a connection, and the request had begun to go
   * @param heard whether an octet of an answer had come, be it of an interim one
   */
  readonly failed: (refusal: Refusal, sent: boolean, heard: boolean) => boolean
}
