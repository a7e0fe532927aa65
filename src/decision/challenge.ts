import type { Scheme } from './credentials.ts'
import type { Reason, Refusal } from './refusal.ts'
import type { Resource, Route } from './resource.ts'

/** What goes on the wire for a refusal. */
export interface Answer {
  readonly status: number
  /** Field names and values in turn: challenge, Allow, Retry-After; not the entity's own fields. */
  readonly headers: readonly string[]
  readonly body: Problem
}

/** RFC 9457 problem details. */
export interface Problem {
  readonly type: 'about:blank'
  readonly title: string
  readonly status: number
  readonly detail: string
  readonly reason: string
  /** The request id. */
  readonly instance: string
}

/** How a refusal challenges (RFC 6750 section 3, RFC 9449 section 7.1, RFC 9470): with which error code, if with any. */
type Challenge =
  | 'none'
  | 'bare'
  | 'invalid_request'
  | 'invalid_token'
  | 'invalid_dpop_proof'
  | 'use_dpop_nonce'
  | 'insufficient_scope'
  | 'insufficient_user_authentication'

interface Row {
  readonly status: number
  readonly challenge: Challenge
  /** A fixed phrase: it never holds anything from the request, the token or the config (AT-14, ER-6). */
  readonly detail: string
  /** One of the reasons that say how a token failed to be proven: one shared description, no oracle (ER-13). */
  readonly unproven?: true
}

const notProven = 'The access token is malformed, not trusted here, or not valid.'
const unproven = { status: 401, challenge: 'invalid_token', detail: notProven, unproven: true } as const

/** The one table from reason to wire. A new arm of `Refusal` does not compile until it has its row. */
export const refusalTable = {
  request_malformed: { status: 400, challenge: 'none', detail: 'The request message is malformed.' },
  target_malformed: { status: 400, challenge: 'none', detail: 'The request target is not in canonical form.' },
  target_too_long: { status: 414, challenge: 'none', detail: 'The request target is too long.' },
  header_too_large: { status: 431, challenge: 'none', detail: 'The header section is too large.' },
  body_too_large: { status: 413, challenge: 'none', detail: 'The content is too large.' },
  request_timeout: { status: 408, challenge: 'none', detail: 'The request did not arrive in time.' },
  expectation_failed: { status: 417, challenge: 'none', detail: 'The expectation in `Expect` cannot be met.' },
  too_early: { status: 425, challenge: 'none', detail: 'The request came as early data and is to be sent again.' },
  method_not_implemented: { status: 501, challenge: 'none', detail: 'The method is not implemented.' },
  version_unsupported: { status: 505, challenge: 'none', detail: 'The HTTP version is not supported.' },
  coding_not_implemented: { status: 501, challenge: 'none', detail: 'The transfer coding is not implemented.' },
  https_required: { status: 403, challenge: 'none', detail: 'This service is reached over HTTPS only.' },
  host_unknown: { status: 421, challenge: 'none', detail: 'No resource is served under this authority.' },
  route_unknown: { status: 404, challenge: 'none', detail: 'No resource is served at this path.' },
  method_not_allowed: { status: 405, challenge: 'none', detail: 'The method is not allowed at this path.' },
  route_denied: { status: 403, challenge: 'none', detail: 'Access to this path is denied.' },
  token_missing: { status: 401, challenge: 'bare', detail: 'An access token is needed.' },
  credentials_malformed: { status: 400, challenge: 'invalid_request', detail: 'The Authorization field is malformed.' },
  credentials_repeated: { status: 400, challenge: 'invalid_request', detail: 'More than one credential was sent.' },
  token_too_long: unproven,
  token_opaque: unproven,
  token_malformed: unproven,
  decryption_failed: unproven,
  token_inactive: unproven,
  issuer_untrusted: unproven,
  token_type_wrong: unproven,
  algorithm_refused: unproven,
  key_unknown: unproven,
  signature_invalid: unproven,
  claim_missing: { status: 401, challenge: 'invalid_token', detail: 'The access token lacks a required claim.' },
  token_expired: { status: 401, challenge: 'invalid_token', detail: 'The access token has expired.' },
  token_not_yet_valid: { status: 401, challenge: 'invalid_token', detail: 'The access token is not valid yet.' },
  token_too_old: { status: 401, challenge: 'invalid_token', detail: 'The access token was issued too long ago.' },
  audience_missing: { status: 401, challenge: 'invalid_token', detail: 'The access token names no audience.' },
  audience_mismatch: {
    status: 401,
    challenge: 'invalid_token',
    detail: 'The access token was issued for another resource.',
  },
  proof_missing: {
    status: 401,
    challenge: 'invalid_token',
    detail: 'The access token is bound to a key, and its proof is missing.',
  },
  proof_invalid: { status: 401, challenge: 'invalid_dpop_proof', detail: 'The DPoP proof is not valid here.' },
  proof_replayed: { status: 401, challenge: 'invalid_dpop_proof', detail: 'The DPoP proof was used before.' },
  nonce_required: {
    status: 401,
    challenge: 'use_dpop_nonce',
    detail: 'The DPoP proof lacks the nonce that this resource gives out.',
  },
  binding_mismatch: {
    status: 401,
    challenge: 'invalid_token',
    detail: 'The access token is not bound to what this request proves.',
  },
  scope_insufficient: {
    status: 403,
    challenge: 'insufficient_scope',
    detail: 'The access token lacks a scope that this request needs.',
  },
  claim_mismatch: { status: 403, challenge: 'none', detail: 'The access token does not permit this request.' },
  authentication_insufficient: {
    status: 401,
    challenge: 'insufficient_user_authentication',
    detail: 'The user must authenticate in another way, or again.',
  },
  keys_unavailable: { status: 503, challenge: 'none', detail: 'Access tokens cannot be verified at the moment.' },
  introspection_unavailable: {
    status: 503,
    challenge: 'none',
    detail: 'Access tokens cannot be verified at the moment.',
  },
  store_unavailable: { status: 503, challenge: 'none', detail: 'Proofs cannot be verified at the moment.' },
  upstream_unreachable: { status: 502, challenge: 'none', detail: 'The API could not be reached.' },
  upstream_invalid: { status: 502, challenge: 'none', detail: 'The API gave an invalid answer.' },
  upstream_loop: { status: 502, challenge: 'none', detail: 'The request went in a circle.' },
  upstream_timeout: { status: 504, challenge: 'none', detail: 'The API did not answer in time.' },
  upstream_overloaded: { status: 503, challenge: 'none', detail: 'The API is overloaded.' },
  internal: { status: 500, challenge: 'none', detail: 'The gateway failed.' },
} as const satisfies Record<Reason, Row>

/** Every reason, in the order of the table. */
export const reasons = Object.keys(refusalTable) as readonly Reason[]

/** What is the same for every answer of a gateway. */
export interface AnswerPolicy {
  /** False: the body calls every reason of the unproven group `token_invalid`. */
  readonly exposeReason: boolean
  /** The algorithms of DPoP proofs that are accepted, separated by spaces: `algs` (DP-13). */
  readonly proofAlgorithms: string
}

/** What a request was found to be for, and how it authenticated. */
interface Asked {
  readonly resource: Resource | undefined
  readonly route: Route | undefined
  readonly scheme: Scheme | undefined
}

/**
 * The status, challenge and problem body of a refusal.
 *
 * @param asked decides the scheme of the challenge, `scope`, `resource_metadata` and what step-up asks for
 */
export const answerRefusal = (refusal: Refusal, asked: Asked, requestId: string, policy: AnswerPolicy): Answer => {
  const row: Row = refusalTable[refusal.reason]
  const headers: string[] = []
  if (row.challenge !== 'none') {
    const scheme = schemeOf(refusal, row, asked.scheme)
    headers.push('WWW-Authenticate', challengeOf(scheme, row, asked, policy))
    // One field line a challenge, the one that every client knows first (BR-16; RFC 9449 section 7.2).
    if (scheme === 'Bearer' && row.status === 401 && needsBinding(asked.route)) {
      headers.push('WWW-Authenticate', challengeOf('DPoP', bare, { ...asked, route: undefined }, policy))
    }
  }
  if (refusal.reason === 'nonce_required') headers.push('DPoP-Nonce', refusal.nonce)
  if (refusal.reason === 'method_not_allowed') headers.push('Allow', refusal.allow.join(', '))
  if ('retryAfterSeconds' in refusal) {
    headers.push('Retry-After', String(Math.max(1, Math.ceil(refusal.retryAfterSeconds))))
  }
  const body: Problem = {
    type: 'about:blank',
    title: titles[row.status] ?? 'Error',
    status: row.status,
    detail: row.detail,
    reason: row.unproven && !policy.exposeReason ? 'token_invalid' : refusal.reason,
    instance: requestId,
  }
  return { status: row.status, headers, body }
}

/** The scheme that was used, unless what is wrong can only be a matter of the other (DP-12, DP-14). */
const schemeOf = (refusal: Refusal, row: Row, used: Scheme | undefined): Scheme => {
  if (row.challenge === 'invalid_dpop_proof' || row.challenge === 'use_dpop_nonce') return 'DPoP'
  if (refusal.reason === 'proof_missing' && refusal.methods.includes('jkt')) return 'DPoP'
  return used ?? 'Bearer'
}

const needsBinding = (route: Route | undefined): boolean => route?.rule.kind === 'token' && route.rule.senderConstrained

const bare: Row = { status: 401, challenge: 'bare', detail: '' }

/**
 * A challenge with at least one parameter (BR-8), each at most once (BR-12). Values come from the table and the config
 * only; config scopes and URLs hold neither `"` nor `\` (BR-14), and are quoted all the same.
 */
const challengeOf = (scheme: Scheme, row: Row, { resource, route }: Asked, policy: AnswerPolicy): string => {
  const parameters: string[] = []
  if (row.challenge !== 'bare') {
    parameters.push(`error="${row.challenge}"`, `error_description=${quote(row.detail)}`)
  }
  const scope = scopeOf(route)
  // Which scopes a route needs helps whoever has no token yet, and whoever has too small a one (BR-13, MC-5).
  if (scope !== '' && (row.challenge === 'bare' || row.challenge === 'insufficient_scope')) {
    parameters.push(`scope=${quote(scope)}`)
  }
  if (row.challenge === 'insufficient_user_authentication') parameters.push(...stepUpOf(route))
  if (scheme === 'DPoP') parameters.push(`algs=${quote(policy.proofAlgorithms)}`)
  if (resource?.metadata) parameters.push(`resource_metadata=${quote(resource.metadata.url)}`)
  if (parameters.length === 0) parameters.push(`realm=${quote(resource?.name ?? 'audgate')}`)
  return `${scheme} ${parameters.join(', ')}`
}

/** What the client must ask its authorization server for (RFC 9470 section 3). */
const stepUpOf = (route: Route | undefined): readonly string[] => {
  if (route?.rule.kind !== 'token') return []
  const { acr, maxAgeSeconds } = route.rule
  return [
    ...(acr.length > 0 ? [`acr_values=${quote(acr.join(' '))}`] : []),
    ...(maxAgeSeconds === undefined ? [] : [`max_age=${quote(String(maxAgeSeconds))}`]),
  ]
}

/** Every scope that the operation needs; of `any_scope` its first member stands for all (contract section 4). */
const scopeOf = (route: Route | undefined): string => {
  if (route?.rule.kind !== 'token') return ''
  const { scopes, anyScope } = route.rule
  const [first] = anyScope
  return first === undefined || scopes.includes(first) ? scopes.join(' ') : [...scopes, first].join(' ')
}

const quote = (value: string): string => `"${value.replace(/["\\]/g, '\\$&')}"`

/** `about:blank` means that the title is the status code's own phrase (ER-8). */
const titles: Readonly<Record<number, string>> = {
  400: 'Bad Request',
  401: 'Unauthorized',
  403: 'Forbidden',
  404: 'Not Found',
  405: 'Method Not Allowed',
  408: 'Request Timeout',
  413: 'Content Too Large',
  414: 'URI Too Long',
  417: 'Expectation Failed',
  421: 'Misdirected Request',
  425: 'Too Early',
  431: 'Request Header Fields Too Large',
  500: 'Internal Server Error',
  501: 'Not Implemented',
  502: 'Bad Gateway',
  503: 'Service Unavailable',
  504: 'Gateway Timeout',
  505: 'HTTP Version Not Supported',
}
