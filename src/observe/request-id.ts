import { randomUUID } from 'node:crypto'

/** What a trusted proxy may hand over: no character that needs care in a header, a log line or a URL. */
const wellFormed = /^[A-Za-z0-9._~:/+=-]{1,128}$/

/**
 * The id of a request: that of the proxy in front when the caller trusts its peer and the value is well formed, else
 * a fresh UUID (122 random bits; Node draws them in batches). Unique as far as the proxy's are; never a key or a label.
 *
 * @param received the field's value when it came exactly once, else undefined
 * @param trusted whether the peer is one of `listen.trusted_proxies`; a stranger's id is never taken over
 */
export const requestId = (received: string | undefined, trusted: boolean): string =>
  trusted && received !== undefined && wellFormed.test(received) ? received : randomUUID()
