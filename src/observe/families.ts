/** What `/metrics` says about one metric: its public name (contract section 7), its labels and what it counts. */
export interface MetricFamily {
  readonly name: string
  readonly type: 'counter' | 'gauge' | 'histogram'
  readonly labels: readonly string[]
  readonly help: string
}

/**
 * Every metric of our own, in the order of the exposition. The README's table and the exposition are compared with it.
 * Label values come from config names and closed sets only (TC-8); what no name covers is `_unmatched`, `_unknown` or
 * `_other`.
 */
export const metricFamilies = [
  {
    name: 'audgate_requests_total',
    type: 'counter',
    labels: ['resource', 'route', 'method', 'code'],
    help: 'Requests by the status that was sent; code _other: none was sent.',
  },
  {
    name: 'audgate_request_duration_seconds',
    type: 'histogram',
    labels: ['resource', 'code_class'],
    help: 'Whole exchange, from the request head to the last byte of the response.',
  },
  {
    name: 'audgate_decisions_total',
    type: 'counter',
    labels: ['resource', 'route', 'decision', 'reason'],
    help: 'Decisions by reason; an allowed request has reason none.',
  },
  {
    name: 'audgate_token_validations_total',
    type: 'counter',
    labels: ['issuer', 'result', 'reason'],
    help: 'Tokens examined, before any audience or scope is looked at; result is ok or refused.',
  },
  {
    name: 'audgate_token_cache_total',
    type: 'counter',
    labels: ['result'],
    help: 'Look-ups in the cache of verified tokens: hit or miss.',
  },
  {
    name: 'audgate_overhead_seconds',
    type: 'histogram',
    labels: ['phase'],
    help: "The gateway's own time. decide: to the decision; total: to the hand-over to the upstream plus from its response head to ours, or to our refusal.",
  },
  {
    name: 'audgate_upstream_duration_seconds',
    type: 'histogram',
    labels: ['resource'],
    help: 'From the hand-over to the upstream to its response head.',
  },
  {
    name: 'audgate_upstream_errors_total',
    type: 'counter',
    labels: ['resource', 'reason'],
    help: 'Admitted requests that the upstream failed, by the upstream_* reason.',
  },
  {
    name: 'audgate_upstream_healthy',
    type: 'gauge',
    labels: ['resource', 'upstream'],
    help: 'Whether a replica gets requests: 0 while its health check fails, or while it is ejected.',
  },
  {
    name: 'audgate_open_requests',
    type: 'gauge',
    labels: [],
    help: 'Requests in flight; a tunnel is none.',
  },
  {
    name: 'audgate_open_tunnels',
    type: 'gauge',
    labels: [],
    help: 'WebSocket tunnels that are open.',
  },
  {
    name: 'audgate_jwks_fetches_total',
    type: 'counter',
    labels: ['issuer', 'result'],
    help: 'Attempts to load the keys of an issuer.',
  },
  {
    name: 'audgate_jwks_keys',
    type: 'gauge',
    labels: ['issuer'],
    help: 'Keys that tokens may be verified with now; 0: cold or expired.',
  },
  {
    name: 'audgate_jwks_last_success_timestamp_seconds',
    type: 'gauge',
    labels: ['issuer'],
    help: 'When the keys of an issuer were last loaded; 0: never.',
  },
  {
    name: 'audgate_jwks_state',
    type: 'gauge',
    labels: ['issuer', 'state'],
    help: 'State of the keys of an issuer, 1 for the one that holds: cold, fresh, stale, expired.',
  },
  {
    name: 'audgate_jwks_unknown_kid_total',
    type: 'counter',
    labels: ['issuer'],
    help: 'Tokens that named a key the issuer does not publish: a rotation or an attack.',
  },
  {
    name: 'audgate_introspections_total',
    type: 'counter',
    labels: ['issuer', 'result'],
    help: 'Opaque tokens asked about: active, inactive, cached (an earlier answer), or why there was no answer.',
  },
  {
    name: 'audgate_store_operations_total',
    type: 'counter',
    labels: ['op', 'result'],
    help: 'Operations on the store: ok, timeout, error (an error answer or a broken connection), skipped (no connection, or the last ones timed out), full.',
  },
  {
    name: 'audgate_store_degraded_total',
    type: 'counter',
    labels: ['op', 'policy'],
    help: 'Decisions made without the store: replay is refused (closed), introspection asks the issuer (miss).',
  },
  {
    name: 'audgate_tls_certificate_not_after_timestamp_seconds',
    type: 'gauge',
    labels: ['name'],
    help: 'When a certificate of the gateway ends: that of the public listener (listen), or what it shows an upstream (upstream:<resource>).',
  },
  {
    name: 'audgate_ready',
    type: 'gauge',
    labels: [],
    help: '1 once the cold-start rule holds, for good.',
  },
  {
    name: 'audgate_draining',
    type: 'gauge',
    labels: [],
    help: '1 from the start of a shutdown on.',
  },
  {
    name: 'audgate_config_last_reload_successful',
    type: 'gauge',
    labels: [],
    help: 'Whether the last load of the config succeeded; the load at start counts.',
  },
  {
    name: 'audgate_config_last_reload_success_timestamp_seconds',
    type: 'gauge',
    labels: [],
    help: 'When the config was last loaded with success.',
  },
  {
    name: 'audgate_config_info',
    type: 'gauge',
    labels: ['hash'],
    help: 'The config in use: the first 12 hex digits of the SHA-256 of the file.',
  },
  {
    name: 'audgate_build_info',
    type: 'gauge',
    labels: ['version', 'node'],
    help: 'What is running.',
  },
] as const satisfies readonly MetricFamily[]

/** The names of {@link metricFamilies}. */
export type MetricName = (typeof metricFamilies)[number]['name']
