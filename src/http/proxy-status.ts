import type { Reason, Refusal } from '../decision/refusal.ts'

/**
 * Our member of `Proxy-Status` (RFC 9209 section 2) for an answer of our own: who speaks, and the type of the error. No
 * host, address or text of the refusal is ever in it (ER-4).
 *
 * @param name of this deployment (ER-2)
 */
export const proxyStatus = (name: string, refusal: Refusal): string => `${itemOf(name)}; error=${errorOf(refusal)}`

/** The types of RFC 9209 section 2.3 that a gateway of this kind can meet (ER-1). */
export type ProxyError =
  | 'connection_limit_reached'
  | 'connection_read_timeout'
  | 'connection_refused'
  | 'connection_terminated'
  | 'connection_timeout'
  | 'destination_ip_unroutable'
  | 'destination_unavailable'
  | 'dns_error'
  | 'http_protocol_error'
  | 'http_request_denied'
  | 'http_request_error'
  | 'http_response_header_section_size'
  | 'http_response_incomplete'
  | 'http_response_timeout'
  | 'http_upgrade_failed'
  | 'proxy_internal_error'
  | 'proxy_internal_response'
  | 'proxy_loop_detected'
  | 'tls_alert_received'
  | 'tls_certificate_error'
  | 'tls_protocol_error'

const errorOf = (refusal: Refusal): ProxyError => {
  switch (refusal.reason) {
    case 'upstream_timeout':
      return timeouts[refusal.phase]
    case 'upstream_unreachable':
      return typeOfFault(refusal.fault) ?? 'destination_unavailable'
    case 'upstream_invalid':
      return typeOfFault(refusal.fault) ?? 'http_protocol_error'
    default:
      return errors[refusal.reason]
  }
}

const timeouts = {
  connect: 'connection_timeout',
  response: 'http_response_timeout',
  idle: 'connection_read_timeout',
} as const satisfies Record<Extract<Refusal, { reason: 'upstream_timeout' }>['phase'], ProxyError>

/** By the code or the words that `upstream/failure.ts` and the tunnels give. */
const typeOfFault = (fault: string): ProxyError | undefined => {
  const known = faults[fault]
  if (known) return known
  if (fault.startsWith('closed the connection')) return 'connection_terminated'
  if (fault.startsWith('upgrade:')) return 'http_upgrade_failed'
  if (/^ERR_SSL_.*ALERT/.test(fault)) return 'tls_alert_received'
  if (certificateFault.test(fault)) return 'tls_certificate_error'
  if (/^(?:ERR_SSL_|ERR_TLS_|EPROTO$)/.test(fault)) return 'tls_protocol_error'
  // What the platform calls a name server's trouble.
  return fault.startsWith('EAI_') ? 'dns_error' : undefined
}

const faults: Readonly<Partial<Record<string, ProxyError>>> = {
  ECONNREFUSED: 'connection_refused',
  ECONNABORTED: 'connection_terminated',
  ECONNRESET: 'connection_terminated',
  EPIPE: 'connection_terminated',
  UND_ERR_SOCKET: 'connection_terminated',
  ENOTFOUND: 'dns_error',
  EHOSTUNREACH: 'destination_ip_unroutable',
  ENETUNREACH: 'destination_ip_unroutable',
  UND_ERR_HEADERS_OVERFLOW: 'http_response_header_section_size',
  UND_ERR_RES_CONTENT_LENGTH_MISMATCH: 'http_response_incomplete',
}

/** The codes of OpenSSL's verification and of Node's comparison of names. */
const certificateFault =
  /CERT|^UNABLE_TO_|^CRL_|^(?:INVALID_CA|INVALID_PURPOSE|PATH_LENGTH_EXCEEDED|HOSTNAME_MISMATCH)$/

/**
 * Of every other reason. What is not forwarded because of a policy is denied; what a client got wrong is its error; what
 * fails beside the next hop (keys, introspection, the store) is no word about the next hop.
 */
const errors = {
  request_malformed: 'http_request_error',
  target_malformed: 'http_request_error',
  target_too_long: 'http_request_error',
  header_too_large: 'http_request_error',
  body_too_large: 'http_request_error',
  request_timeout: 'http_request_error',
  expectation_failed: 'http_request_error',
  too_early: 'http_request_error',
  // 501 and 505 are no 4xx: answers of our own that the next hop has no part in.
  method_not_implemented: 'proxy_internal_response',
  version_unsupported: 'proxy_internal_response',
  coding_not_implemented: 'proxy_internal_response',
  https_required: 'http_request_denied',
  host_unknown: 'http_request_error',
  route_unknown: 'http_request_error',
  method_not_allowed: 'http_request_error',
  route_denied: 'http_request_denied',
  token_missing: 'http_request_denied',
  credentials_malformed: 'http_request_error',
  credentials_repeated: 'http_request_error',
  token_too_long: 'http_request_denied',
  token_opaque: 'http_request_denied',
  token_malformed: 'http_request_denied',
  decryption_failed: 'http_request_denied',
  token_inactive: 'http_request_denied',
  issuer_untrusted: 'http_request_denied',
  token_type_wrong: 'http_request_denied',
  algorithm_refused: 'http_request_denied',
  key_unknown: 'http_request_denied',
  signature_invalid: 'http_request_denied',
  claim_missing: 'http_request_denied',
  token_expired: 'http_request_denied',
  token_not_yet_valid: 'http_request_denied',
  token_too_old: 'http_request_denied',
  audience_missing: 'http_request_denied',
  audience_mismatch: 'http_request_denied',
  proof_missing: 'http_request_denied',
  proof_invalid: 'http_request_denied',
  proof_replayed: 'http_request_denied',
  nonce_required: 'http_request_denied',
  binding_mismatch: 'http_request_denied',
  scope_insufficient: 'http_request_denied',
  claim_mismatch: 'http_request_denied',
  authentication_insufficient: 'http_request_denied',
  keys_unavailable: 'proxy_internal_error',
  introspection_unavailable: 'proxy_internal_error',
  store_unavailable: 'proxy_internal_error',
  upstream_loop: 'proxy_loop_detected',
  upstream_overloaded: 'connection_limit_reached',
  internal: 'proxy_internal_error',
} as const satisfies Record<
  Exclude<Reason, 'upstream_timeout' | 'upstream_unreachable' | 'upstream_invalid'>,
  ProxyError
>

/** A token where it is one, else a string (RFC 9651 sections 3.3.3 and 3.3.4). `name` is printable ASCII. */
const itemOf = (name: string): string =>
  /^[A-Za-z*][A-Za-z0-9:/!#$%&'*+.^_`|~-]*$/.test(name) ? name : `"${name.replace(/["\\]/g, '\\$&')}"`
