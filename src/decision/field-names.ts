/** Fields that are for one hop only, whatever `Connection` says (RFC 9110 section 7.6.1, HS-2). Lower case. */
export const hopByHop: ReadonlySet<string> = new Set([
  'connection',
  'http2-settings',
  'keep-alive',
  'proxy-authenticate',
  'proxy-authorization',
  'proxy-connection',
  'te',
  'transfer-encoding',
  'upgrade',
])

const removed: ReadonlySet<string> = new Set([
  ...hopByHop,
  'expect',
  'host',
  'trailer',
  // Who the client is and what it asked for: the gateway says so itself (FW-1).
  'cf-connecting-ip',
  'client-cert',
  'client-cert-chain',
  // Its `htu` would not fit the upstream, and its `jti` is used up (DP-19).
  'dpop',
  'forwarded',
  'true-client-ip',
  'via',
  'x-client-ip',
  'x-cluster-client-ip',
  'x-original-host',
  'x-real-ip',
  // Some upstreams serve another path or method than the one that was authorised (RT-12, UR-21).
  'x-http-method',
  'x-http-method-override',
  'x-method-override',
  'x-original-url',
  'x-rewrite-url',
])

/** Whether a field of the client never reaches an upstream as it was sent, on any route. `name` in lower case. */
export const isRemovedFromRequests = (name: string): boolean => removed.has(name) || name.startsWith('x-forwarded-')

const ofHttp: ReadonlySet<string> = new Set(
  (
    'accept authorization cache-control cookie date dpop if-match if-none-match if-modified-since if-unmodified-since ' +
    'if-range location max-forwards origin pragma range referer retry-after set-cookie traceparent tracestate ' +
    'transfer-encoding user-agent vary www-authenticate'
  ).split(' '),
)

/**
 * Whether a name already means something, so that no field that the gateway adds may be called that: framing, routing,
 * credentials, caching, and what the gateway writes or removes itself. `name` in lower case.
 */
export const isReservedField = (name: string): boolean =>
  ofHttp.has(name) || isRemovedFromRequests(name) || /^(?:content-|sec-|access-control-|proxy-)/.test(name)
