/**
 * Every way Audgate says no. A refusal is a value that is returned, never thrown; it carries what the operator needs
 * to see (expected and found) and nothing that is secret. The word in `reason` is public: it is the metric label, the
 * log's `reason` and the body's `reason`, and it is never renamed.
 */
export type Refusal =
  // The message itself, before any routing (RFC 9112; standards.md sections 10, 11 and 13).
  | { readonly reason: 'request_malformed'; readonly fault: string }
  | { readonly reason: 'target_malformed'; readonly fault: string }
  | { readonly reason: 'target_too_long'; readonly limit: number }
  /** `field`: the name of the one that is too large by itself; absent: all of them together are. */
  | { readonly reason: 'header_too_large'; readonly limit: number; readonly field?: string }
  | { readonly reason: 'body_too_large'; readonly limit: number }
  | { readonly reason: 'request_timeout' }
  | { readonly reason: 'expectation_failed' }
  /** Sent before the TLS handshake in front of us was over, and not safe to repeat (RFC 8470 section 5.2). */
  | { readonly reason: 'too_early' }
  | { readonly reason: 'method_not_implemented' }
  | { readonly reason: 'version_unsupported' }
  | { readonly reason: 'coding_not_implemented' }
  // Where it goes.
  | { readonly reason: 'https_required' }
  | { readonly reason: 'host_unknown' }
  | { readonly reason: 'route_unknown' }
  | { readonly reason: 'method_not_allowed'; readonly allow: readonly string[] }
  /** `fault`: not the rule of the route, but a page of this origin may open no WebSocket (WS-8). */
  | { readonly reason: 'route_denied'; readonly fault?: string }
  // What it carries (RFC 6750).
  | { readonly reason: 'token_missing'; readonly fault: string }
  | { readonly reason: 'credentials_malformed'; readonly fault: string }
  | { readonly reason: 'credentials_repeated'; readonly fault: string }
  // What the token is (RFC 9068 section 4, RFC 8725).
  | { readonly reason: 'token_too_long'; readonly limit: number; readonly got: number }
  | { readonly reason: 'token_opaque' }
  | { readonly reason: 'token_malformed'; readonly fault: string }
  /** One word for every failure (JO-25); `fault` is for the operator's log only. */
  | { readonly reason: 'decryption_failed'; readonly fault: string }
  | { readonly reason: 'token_inactive'; readonly issuer: string }
  | {
      readonly reason: 'issuer_untrusted'
      readonly expected: readonly string[]
      readonly got: string
      /** What the token says its audience is, proven or not: only for saying what it came near to. */
      readonly audience: readonly string[]
    }
  | { readonly reason: 'token_type_wrong'; readonly expected: string; readonly got: string }
  | { readonly reason: 'algorithm_refused'; readonly expected: readonly string[]; readonly got: string }
  | { readonly reason: 'key_unknown'; readonly issuer: string; readonly fault: string }
  | { readonly reason: 'signature_invalid'; readonly issuer: string }
  | { readonly reason: 'claim_missing'; readonly claim: string }
  | { readonly reason: 'token_expired'; readonly expiredAt: number; readonly now: number }
  | {
      readonly reason: 'token_not_yet_valid'
      readonly claim: 'nbf' | 'iat'
      readonly validFrom: number
      readonly now: number
    }
  | {
      readonly reason: 'token_too_old'
      readonly issuedAt: number
      readonly maxAgeSeconds: number
      readonly now: number
    }
  // What it is good for.
  | { readonly reason: 'audience_missing'; readonly expected: readonly string[] }
  | { readonly reason: 'audience_mismatch'; readonly expected: readonly string[]; readonly got: readonly string[] }
  // Who sent it (RFC 9449, RFC 8705, RFC 7800).
  | { readonly reason: 'proof_missing'; readonly methods: readonly string[] }
  | { readonly reason: 'proof_invalid'; readonly fault: string }
  | { readonly reason: 'proof_replayed' }
  /** `nonce` is the one to use next; it is no secret. */
  | { readonly reason: 'nonce_required'; readonly nonce: string; readonly fault: string }
  | { readonly reason: 'binding_mismatch'; readonly fault: string }
  | {
      readonly reason: 'scope_insufficient'
      readonly required: readonly string[]
      readonly anyOf: readonly string[]
      readonly got: readonly string[]
      /** The `authorization_details` that no element of the token grants (RA-3); undefined: scopes are missing. */
      readonly details: string | undefined
    }
  | {
      readonly reason: 'claim_mismatch'
      readonly claim: string
      readonly expected: readonly string[]
      readonly got: string
    }
  | {
      readonly reason: 'authentication_insufficient'
      readonly claim: 'acr' | 'auth_time'
      readonly expected: string
      readonly got: string
    }
  // What is nobody's fault, and never the client's (AS-12).
  | {
      readonly reason: 'keys_unavailable'
      readonly issuer: string
      readonly retryAfterSeconds: number
      /** Why they cannot be used; absent: there are none. */
      readonly fault?: string
    }
  | {
      readonly reason: 'introspection_unavailable'
      readonly issuer: string
      readonly fault: string
      readonly retryAfterSeconds: number
    }
  | { readonly reason: 'store_unavailable'; readonly operation: string; readonly retryAfterSeconds: number }
  | { readonly reason: 'upstream_unreachable'; readonly fault: string }
  | { readonly reason: 'upstream_invalid'; readonly fault: string }
  | { readonly reason: 'upstream_loop' }
  | { readonly reason: 'upstream_timeout'; readonly phase: 'connect' | 'response' | 'idle' }
  | { readonly reason: 'upstream_overloaded' }
  /** `fault`: what the operator can mend, without secrets and never for the client; absent: it is in the log elsewhere. */
  | { readonly reason: 'internal'; readonly fault?: string }

/** The public word of a refusal (contract section 4). */
export type Reason = Refusal['reason']

/** A value, or the refusal that stands in its place. */
export type Outcome<T> = { readonly ok: true; readonly value: T } | { readonly ok: false; readonly refusal: Refusal }

export const pass = <T>(value: T): Outcome<T> => ({ ok: true, value })

export const refuse = (refusal: Refusal): { readonly ok: false; readonly refusal: Refusal } => ({ ok: false, refusal })
