import type { Reason, Refusal } from '../decision/refusal.ts'

/**
 * A refusal in words for the operator: what was expected and what was found. Never for the client, and it may hold what
 * a stranger wrote: whoever prints it escapes and caps it (`quote.ts`).
 *
 * @param nearMiss what the two differ in, when that is known
 */
export const detail = (refusal: Refusal, nearMiss?: string): string => {
  // The table has the text for exactly this arm; TypeScript cannot follow the union through the look-up.
  const text = (texts[refusal.reason] as (of: Refusal) => string)(refusal)
  return nearMiss === undefined ? text : `${text} (${nearMiss})`
}

type Texts = { readonly [R in Reason]: (refusal: Extract<Refusal, { reason: R }>) => string }

const texts: Texts = {
  request_malformed: ({ fault }) => `request: expected a well-formed HTTP message, got ${fault}`,
  target_malformed: ({ fault }) => `target: expected one unambiguous path, got ${fault}`,
  target_too_long: ({ limit }) => `target: expected at most ${limit} bytes (listen.limits.target_size), got more`,
  header_too_large: ({ limit, field }) =>
    `header: expected at most ${limit} bytes (listen.limits.header_size), got more${field === undefined ? '' : ` in ${field} alone`}`,
  body_too_large: ({ limit }) => `body: expected at most ${limit} bytes (listen.limits.body_size), got more`,
  request_timeout: () => 'request: expected it to arrive within listen.timeouts, got a client that stalled',
  expectation_failed: () => 'expect: expected 100-continue or nothing, got something else',
  too_early: () => 'early-data: expected a safe method (listen.refuse_early_data), got another',
  method_not_implemented: () => 'method: expected one of the registered methods but CONNECT, got another',
  version_unsupported: () => 'version: expected HTTP/1.0 or HTTP/1.1, got another',
  coding_not_implemented: () => 'transfer-encoding: expected chunked alone, got another coding before it',
  https_required: () => 'scheme: expected TLS here or at a trusted proxy (listen.require_https), got plain HTTP',
  host_unknown: () => 'host: expected the host of a resource, got one that no resource is at',
  route_unknown: () => 'route: expected a path of a resource and of one of its routes, got one that nothing matches',
  method_not_allowed: ({ allow }) => `method: expected ${oneOf(allow)}, got another`,
  route_denied: ({ fault = 'route: expected never to be asked for (rule deny), got asked' }) => fault,
  token_missing: ({ fault }) => `credentials: expected a Bearer or DPoP token, got none: ${fault}`,
  credentials_malformed: ({ fault }) => `credentials: expected one well-formed Authorization field, got ${fault}`,
  credentials_repeated: ({ fault }) => `credentials: expected a token in one place, got ${fault}`,
  token_too_long: ({ limit, got }) => `token: expected at most ${limit} bytes (listen.limits.token_size), got ${got}`,
  token_opaque: () => 'token: expected a JWT, got an opaque token',
  token_malformed: ({ fault }) => `token: expected a well-formed JWT, got ${fault}`,
  decryption_failed: ({ fault }) => `token: expected one that is encrypted as agreed with its issuer, got ${fault}`,
  token_inactive: ({ issuer }) => `token: expected one that issuer ${issuer} calls active, got one that it does not`,
  issuer_untrusted: ({ expected, got }) => `issuer: expected ${oneOf(expected)}, got ${found(got)}`,
  token_type_wrong: ({ expected, got }) => `type: expected ${expected}, got ${found(got)}`,
  algorithm_refused: ({ expected, got }) => `algorithm: expected ${oneOf(expected)}, got ${found(got)}`,
  key_unknown: ({ issuer, fault }) => `key: expected one that issuer ${issuer} publishes, got ${fault}`,
  signature_invalid: ({ issuer }) =>
    `signature: expected one that issuer ${issuer} made, got one its key does not prove`,
  claim_missing: ({ claim }) => `claims: expected ${claim}, got none, or not of the right type`,
  token_expired: ({ expiredAt, now }) =>
    `exp: expected an instant to come, got ${instant(expiredAt)}, ${round(now - expiredAt)} s ago`,
  token_not_yet_valid: ({ claim, validFrom, now }) =>
    `${claim}: expected an instant gone by, got ${instant(validFrom)}, ${round(validFrom - now)} s ahead`,
  token_too_old: ({ issuedAt, maxAgeSeconds, now }) =>
    `iat: expected at most ${maxAgeSeconds} s ago (max_token_age), got ${instant(issuedAt)}, ${round(now - issuedAt)} s ago`,
  audience_missing: ({ expected }) => `audience: expected ${oneOf(expected)}, got none`,
  audience_mismatch: ({ expected, got }) => `audience: expected ${oneOf(expected)}, got ${list(got, ', ')}`,
  proof_missing: ({ methods }) =>
    `binding: expected proof of what the token is bound to (cnf: ${list(methods, ', ')}), got none`,
  proof_invalid: ({ fault }) => `proof: expected one DPoP proof for this request and this token, got ${fault}`,
  proof_replayed: () => 'proof: expected one that was not used before, got one that was',
  nonce_required: ({ fault }) => `proof: expected a nonce of ours (dpop.nonces), got ${fault}`,
  binding_mismatch: ({ fault }) => `binding: expected a token bound to the sender of this request, got ${fault}`,
  scope_insufficient: ({ required, anyOf, got, details }) => {
    if (details !== undefined) return `authorization_details: expected an element with ${details}, got none`
    const all = required.length === 0 ? '' : list(required, ' ')
    const any = anyOf.length === 0 ? '' : `one of ${list(anyOf, ' ')}`
    return `scope: expected ${[all, any].filter((part) => part !== '').join(' and ')}, got ${list(got, ' ')}`
  },
  claim_mismatch: ({ claim, expected, got }) => `claim ${claim}: expected ${oneOf(expected)}, got ${found(got)}`,
  keys_unavailable: ({ issuer, retryAfterSeconds, fault = 'none that may be used' }) =>
    `keys: expected the keys of issuer ${issuer}, got ${fault}; next try in ${retryAfterSeconds} s`,
  authentication_insufficient: ({ claim, expected, got }) => `${claim}: expected ${expected}, got ${found(got)}`,
  introspection_unavailable: ({ issuer, fault, retryAfterSeconds }) =>
    `introspection: expected an answer of issuer ${issuer}, got ${fault}; next try in ${retryAfterSeconds} s`,
  store_unavailable: ({ operation, retryAfterSeconds }) =>
    `store: expected an answer to ${operation}, got none in time; next try in ${retryAfterSeconds} s`,
  upstream_unreachable: ({ fault }) => `upstream: expected a connection, got ${fault}`,
  upstream_invalid: ({ fault }) => `upstream: expected a well-formed HTTP response, got ${fault}`,
  upstream_loop: () => 'upstream: expected another server, got a request that went through this gateway before',
  upstream_timeout: ({ phase }) => `upstream: expected progress within timeouts.${phase}, got none`,
  upstream_overloaded: () => 'upstream: expected a free connection (pool.connections), got none',
  internal: ({ fault = 'one; it is logged under the same request_id' }) =>
    `internal: expected no fault of the gateway, got ${fault}`,
}

/** A token may carry thousands of audiences; nobody reads more than these. */
const SHOWN = 8

const list = (words: readonly string[], separator: string): string => {
  if (words.length === 0) return 'none'
  const more = words.length > SHOWN ? `${separator}and ${words.length - SHOWN} more` : ''
  return words.slice(0, SHOWN).map(found).join(separator) + more
}

const oneOf = (words: readonly string[]): string => (words.length > 1 ? `one of ${list(words, ', ')}` : list(words, ''))

const found = (word: string): string => (word === '' ? '(empty)' : word)

const round = (seconds: number): number => Math.round(seconds * 10) / 10

/** NumericDates come from tokens: `1e300` is no date, and says so. */
const instant = (seconds: number): string => {
  const date = new Date(seconds * 1000)
  return Number.isNaN(date.getTime()) ? String(seconds) : date.toISOString()
}
