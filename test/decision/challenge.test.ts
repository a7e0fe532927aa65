import assert from 'node:assert/strict'
import { STATUS_CODES } from 'node:http'
import { test } from 'node:test'
import { answerRefusal, reasons, refusalTable } from '../../src/decision/challenge.ts'
import type { Scheme } from '../../src/decision/credentials.ts'
import type { Reason, Refusal } from '../../src/decision/refusal.ts'
import type { Resource, Route } from '../../src/decision/resource.ts'
import { fieldLines, parseChallenges } from '../support/challenges.ts'
import { policy, type TestResource } from '../support/policy.ts'
import { everyRefusal, refusals } from '../support/refusals.ts'

const resourceOf = (entry: Partial<TestResource>): Resource => {
  const [resource] = policy({ indicator: 'https://api.test/orders', name: 'orders', ...entry }).all
  if (!resource) throw new Error('no resource')
  return resource
}
const orders = resourceOf({
  scopes: ['orders:read'],
  routes: {
    'GET /': { scopes: ['a'], anyScope: ['b', 'c'] },
    'GET /o': 'public',
    'GET /bound': { scopes: ['a'], senderConstrained: true },
    'GET /acr': { acr: ['urn:best', 'urn:good'] },
    'GET /one': { acr: ['urn:one'] },
    'GET /fresh': { maxAgeSeconds: 300 },
    'GET /both': { scopes: ['a'], acr: ['urn:best', 'urn:good'], maxAgeSeconds: 0, senderConstrained: true },
  },
})
const routeOf = (key: string): Route => {
  const route = orders.all.find((candidate) => candidate.key === `GET /${key}`)
  if (!route) throw new Error(key)
  return route
}
const plain = { resource: orders, route: routeOf(''), scheme: undefined }
const policyOf = { exposeReason: true, proofAlgorithms: 'ES256 EdDSA' }
const answer = (refusal: Refusal, asked: Parameters<typeof answerRefusal>[1] = plain, exposeReason = true) =>
  answerRefusal(refusal, asked, 'id-1', { ...policyOf, exposeReason })
const challengesOf = (refusal: Refusal, route: string, scheme?: Scheme): readonly string[] =>
  fieldLines(answer(refusal, { resource: orders, route: routeOf(route), scheme }).headers, 'WWW-Authenticate')

const metadata = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"'
const algs = 'algs="ES256 EdDSA"'
const invalidToken = (description: string) => `error="invalid_token", error_description="${description}"`
const shared = invalidToken('The access token is malformed, not trusted here, or not valid.')
const expired = invalidToken('The access token has expired.')
const unproven = invalidToken('The access token is bound to a key, and its proof is missing.')
const otherSender = invalidToken('The access token is not bound to what this request proves.')

const golden: Readonly<Record<Reason, readonly [status: number, challenge: string | undefined]>> = {
  request_malformed: [400, undefined],
  target_malformed: [400, undefined],
  target_too_long: [414, undefined],
  header_too_large: [431, undefined],
  body_too_large: [413, undefined],
  request_timeout: [408, undefined],
  expectation_failed: [417, undefined],
  too_early: [425, undefined],
  method_not_implemented: [501, undefined],
  version_unsupported: [505, undefined],
  coding_not_implemented: [501, undefined],
  https_required: [403, undefined],
  host_unknown: [421, undefined],
  route_unknown: [404, undefined],
  method_not_allowed: [405, undefined],
  route_denied: [403, undefined],
  token_missing: [401, `Bearer scope="orders:read a b", ${metadata}`],
  credentials_malformed: [
    400,
    `Bearer error="invalid_request", error_description="The Authorization field is malformed.", ${metadata}`,
  ],
  credentials_repeated: [
    400,
    `Bearer error="invalid_request", error_description="More than one credential was sent.", ${metadata}`,
  ],
  token_too_long: [401, `Bearer ${shared}, ${metadata}`],
  token_opaque: [401, `Bearer ${shared}, ${metadata}`],
  token_malformed: [401, `Bearer ${shared}, ${metadata}`],
  decryption_failed: [401, `Bearer ${shared}, ${metadata}`],
  token_inactive: [401, `Bearer ${shared}, ${metadata}`],
  issuer_untrusted: [401, `Bearer ${shared}, ${metadata}`],
  token_type_wrong: [401, `Bearer ${shared}, ${metadata}`],
  algorithm_refused: [401, `Bearer ${shared}, ${metadata}`],
  key_unknown: [401, `Bearer ${shared}, ${metadata}`],
  signature_invalid: [401, `Bearer ${shared}, ${metadata}`],
  claim_missing: [401, `Bearer ${invalidToken('The access token lacks a required claim.')}, ${metadata}`],
  token_expired: [401, `Bearer ${expired}, ${metadata}`],
  token_not_yet_valid: [401, `Bearer ${invalidToken('The access token is not valid yet.')}, ${metadata}`],
  token_too_old: [401, `Bearer ${invalidToken('The access token was issued too long ago.')}, ${metadata}`],
  audience_missing: [401, `Bearer ${invalidToken('The access token names no audience.')}, ${metadata}`],
  audience_mismatch: [401, `Bearer ${invalidToken('The access token was issued for another resource.')}, ${metadata}`],
  proof_missing: [401, `DPoP ${unproven}, ${algs}, ${metadata}`],
  proof_invalid: [
    401,
    `DPoP error="invalid_dpop_proof", error_description="The DPoP proof is not valid here.", ${algs}, ${metadata}`,
  ],
  proof_replayed: [
    401,
    `DPoP error="invalid_dpop_proof", error_description="The DPoP proof was used before.", ${algs}, ${metadata}`,
  ],
  nonce_required: [
    401,
    `DPoP error="use_dpop_nonce", error_description="The DPoP proof lacks the nonce that this resource gives out.", ${algs}, ${metadata}`,
  ],
  binding_mismatch: [401, `Bearer ${otherSender}, ${metadata}`],
  scope_insufficient: [
    403,
    `Bearer error="insufficient_scope", error_description="The access token lacks a scope that this request needs.", scope="orders:read a b", ${metadata}`,
  ],
  claim_mismatch: [403, undefined],
  authentication_insufficient: [
    401,
    `Bearer error="insufficient_user_authentication", error_description="The user must authenticate in another way, or again.", ${metadata}`,
  ],
  keys_unavailable: [503, undefined],
  introspection_unavailable: [503, undefined],
  store_unavailable: [503, undefined],
  upstream_unreachable: [502, undefined],
  upstream_invalid: [502, undefined],
  upstream_loop: [502, undefined],
  upstream_timeout: [504, undefined],
  upstream_overloaded: [503, undefined],
  internal: [500, undefined],
}

for (const refusal of everyRefusal) {
  const [status, challenge] = golden[refusal.reason]
  test(`BR-8, BR-9, BR-11, BR-13, AT-14: ${refusal.reason} is ${status} with ${challenge ? 'its challenge' : 'no challenge'}`, () => {
    const { headers, body, ...rest } = answer(refusal)
    assert.equal(rest.status, status)
    assert.deepEqual(fieldLines(headers, 'WWW-Authenticate'), challenge === undefined ? [] : [challenge])
    assert.equal(body.type, 'about:blank')
    assert.equal(body.status, status)
    assert.equal(body.reason, refusal.reason)
    assert.equal(body.instance, 'id-1')
    // RFC 9110 calls 413 otherwise than Node does.
    assert.equal(body.title, status === 413 ? 'Content Too Large' : STATUS_CODES[status])
    assert.match(body.detail, /^[A-Z][\w`.,' -]{10,}\.$/)
    if (challenge?.includes('error=')) assert.ok(challenge.includes(`error_description="${body.detail}"`))
  })
}

test('ER-13: only what must not be told apart, and what is none of the client’s concern, reads alike', () => {
  const byDetail = Map.groupBy(everyRefusal, (refusal) => answer(refusal).body.detail)
  const alike = [...byDetail.values()].filter(({ length }) => length > 1)
  assert.deepEqual(
    alike.map((group) => group.map(({ reason }) => reason)),
    [reasons.filter((reason) => 'unproven' in refusalTable[reason]), ['keys_unavailable', 'introspection_unavailable']],
  )
})

test('the table has every reason, and the samples cover it', () => {
  assert.deepEqual(new Set(everyRefusal.map(({ reason }) => reason)), new Set(reasons))
})

/** What a client is told at a route that wants bound tokens, and at one that does not mind, by the scheme it used. */
const challenges: readonly (readonly [string, Refusal, string, Scheme | undefined, readonly string[]])[] = [
  [
    'DP-13, BR-16, RFC 9449 section 7.2: without a token, at a sender-constrained route',
    refusals.token_missing,
    'bound',
    undefined,
    [`Bearer scope="orders:read a", ${metadata}`, `DPoP ${algs}, ${metadata}`],
  ],
  [
    'BR-9: without a token, at a route for any scheme',
    refusals.token_missing,
    'acr',
    undefined,
    [`Bearer scope="orders:read", ${metadata}`],
  ],
  [
    'BR-16, RFC 9449 section 7.2: an unbound token as Bearer, at a sender-constrained route',
    { reason: 'binding_mismatch', fault: '' },
    'bound',
    'Bearer',
    [`Bearer ${otherSender}, ${metadata}`, `DPoP ${algs}, ${metadata}`],
  ],
  [
    'BR-16, RFC 9449 section 7.2: an expired token under DPoP, at a sender-constrained route',
    refusals.token_expired,
    'bound',
    'DPoP',
    [`DPoP ${expired}, ${algs}, ${metadata}`],
  ],
  ['BR-16: an expired token under DPoP', refusals.token_expired, '', 'DPoP', [`DPoP ${expired}, ${algs}, ${metadata}`]],
  [
    'BR-16: an expired token as Bearer, at a sender-constrained route',
    refusals.token_expired,
    'bound',
    'Bearer',
    [`Bearer ${expired}, ${metadata}`, `DPoP ${algs}, ${metadata}`],
  ],
  [
    'DP-12: a bound token as Bearer',
    { reason: 'proof_missing', methods: ['jkt'] },
    '',
    'Bearer',
    [`DPoP ${unproven}, ${algs}, ${metadata}`],
  ],
  [
    'DP-12: a bound token as Bearer, at a sender-constrained route',
    { reason: 'proof_missing', methods: ['jkt', 'x5t#S256'] },
    'bound',
    'Bearer',
    [`DPoP ${unproven}, ${algs}, ${metadata}`],
  ],
  [
    'DP-11: an unbound token under DPoP',
    { reason: 'binding_mismatch', fault: '' },
    '',
    'DPoP',
    [`DPoP ${otherSender}, ${algs}, ${metadata}`],
  ],
  [
    'MT-2: a certificate-bound token without its certificate',
    { reason: 'proof_missing', methods: ['x5t#S256'] },
    '',
    'Bearer',
    [`Bearer ${unproven}, ${metadata}`],
  ],
  [
    'CN-1: a token bound by nothing that is known',
    { reason: 'proof_missing', methods: ['x'] },
    '',
    'Bearer',
    [`Bearer ${unproven}, ${metadata}`],
  ],
  [
    'BR-13: too few scopes under DPoP',
    refusals.scope_insufficient,
    'bound',
    'DPoP',
    [
      `DPoP error="insufficient_scope", error_description="The access token lacks a scope that this request needs.", scope="orders:read a", ${algs}, ${metadata}`,
    ],
  ],
  [
    'BR-16: a broken credential under DPoP',
    refusals.credentials_malformed,
    'bound',
    'DPoP',
    [`DPoP error="invalid_request", error_description="The Authorization field is malformed.", ${algs}, ${metadata}`],
  ],
  [
    'BR-16: a broken credential as Bearer, at a sender-constrained route',
    refusals.credentials_malformed,
    'bound',
    'Bearer',
    [`Bearer error="invalid_request", error_description="The Authorization field is malformed.", ${metadata}`],
  ],
]
for (const [what, refusal, route, scheme, expected] of challenges) {
  test(`${what}: ${expected.map((line) => line.split(',')[0]).join(' and ')}`, () => {
    assert.deepEqual(challengesOf(refusal, route, scheme), expected)
  })
}

const stepUp =
  'error="insufficient_user_authentication", error_description="The user must authenticate in another way, or again."'
const stepUps: readonly (readonly [string, string, Scheme, readonly string[]])[] = [
  [
    'acr_values in the order of preference',
    'acr',
    'Bearer',
    [`Bearer ${stepUp}, acr_values="urn:best urn:good", ${metadata}`],
  ],
  ['the one acr value', 'one', 'Bearer', [`Bearer ${stepUp}, acr_values="urn:one", ${metadata}`]],
  ['max_age in seconds', 'fresh', 'Bearer', [`Bearer ${stepUp}, max_age="300", ${metadata}`]],
  [
    'both, a max_age of 0 too, under DPoP',
    'both',
    'DPoP',
    [`DPoP ${stepUp}, acr_values="urn:best urn:good", max_age="0", ${algs}, ${metadata}`],
  ],
  [
    'both as Bearer, at a sender-constrained route',
    'both',
    'Bearer',
    [`Bearer ${stepUp}, acr_values="urn:best urn:good", max_age="0", ${metadata}`, `DPoP ${algs}, ${metadata}`],
  ],
]
for (const [what, route, scheme, expected] of stepUps) {
  test(`SU-1, SU-6: the step-up challenge has ${what}`, () => {
    assert.deepEqual(challengesOf(refusals.authentication_insufficient, route, scheme), expected)
  })
}

test('SU-4: no other challenge tells what the route asks of its users', () => {
  for (const refusal of everyRefusal) {
    if (refusal.reason === 'authentication_insufficient') continue
    for (const scheme of [undefined, 'Bearer', 'DPoP'] as const) {
      const text = challengesOf(refusal, 'both', scheme).join()
      assert.doesNotMatch(text, /acr_values|max_age/, refusal.reason)
    }
  }
})

test('DP-16: the nonce to use next comes once, and with `nonce_required` only', () => {
  for (const refusal of everyRefusal) {
    const nonces = fieldLines(answer(refusal).headers, 'DPoP-Nonce')
    assert.deepEqual(nonces, refusal.reason === 'nonce_required' ? [refusal.nonce] : [], refusal.reason)
  }
})

test('AT-14, BR-14, RI-13: nothing of the request, the token or the policy is in an answer, and never invalid_target', () => {
  const canary = 'canary"\\\r\n'
  for (const refusal of everyRefusal) {
    const marked = JSON.parse(
      JSON.stringify(refusal, (key, value) => (key !== 'reason' && typeof value === 'string' ? canary : value)),
    )
    // The gateway itself makes the nonce, and it is for the client.
    const text = JSON.stringify(answer({ ...marked, allow: ['GET'], nonce: 'nonce-1' }))
    assert.ok(!text.includes('canary'), refusal.reason)
    assert.ok(!text.includes('invalid_target'))
  }
})

const errors = [
  'invalid_request',
  'invalid_token',
  'insufficient_scope',
  'invalid_dpop_proof',
  'use_dpop_nonce',
  'insufficient_user_authentication',
]
const charsets: Readonly<Record<string, RegExp>> = {
  error: /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/,
  error_description: /^[\x20\x21\x23-\x5b\x5d-\x7e]+$/,
  scope: /^[\x21\x23-\x5b\x5d-\x7e]+(?: [\x21\x23-\x5b\x5d-\x7e]+)*$/,
  acr_values: /^\S+(?: \S+)*$/,
  max_age: /^\d+$/,
  algs: /^[A-Za-z0-9]+(?: [A-Za-z0-9]+)*$/,
  resource_metadata: /^https:\/\/\S+$/,
  realm: /^[\x20-\x7e]+$/,
}

test('BR-8, BR-12, BR-14, BR-15, BR-16: a parser reads every answer to every client at every route', () => {
  const undocumented = resourceOf({ metadata: false })
  const places = [
    ...orders.all.map((route) => ({ resource: orders, route })),
    ...undocumented.all.map((route) => ({ resource: undocumented, route })),
    { resource: orders, route: undefined },
    { resource: undefined, route: undefined },
  ]
  let read = 0
  for (const place of places) {
    for (const scheme of [undefined, 'Bearer', 'DPoP'] as const) {
      for (const refusal of everyRefusal) {
        const what = `${refusal.reason} ${place.route?.key} ${scheme}`
        const { status, headers } = answer(refusal, { ...place, scheme })
        const parsed = parseChallenges(fieldLines(headers, 'WWW-Authenticate'))
        if (status === 401) assert.ok(parsed.length > 0, what)
        if (status >= 404) assert.equal(parsed.length, 0, what)
        // One line a scheme, the well-known one first, and the error in one of them.
        assert.ok(['', 'Bearer', 'DPoP', 'Bearer DPoP'].includes(parsed.map((one) => one.scheme).join(' ')), what)
        const told = parsed.flatMap(({ parameters }) => parameters.get('error') ?? [])
        assert.equal(told.length, parsed.length === 0 || refusal.reason === 'token_missing' ? 0 : 1, what)
        assert.ok(
          told.every((error) => errors.includes(error)),
          what,
        )
        for (const { scheme: challenged, parameters } of parsed) {
          for (const [name, value] of parameters) assert.match(value, charsets[name] ?? /^$/, `${what}: ${name}`)
          assert.equal(parameters.has('algs'), challenged === 'DPoP', what)
          assert.equal(parameters.has('resource_metadata'), place.resource?.metadata !== undefined, what)
          assert.equal(parameters.has('error_description'), parameters.has('error'), what)
          read++
        }
      }
    }
  }
  assert.ok(read > 500, String(read))
})

test('BR-8: a challenge without scope and metadata still has a parameter', () => {
  const bare = resourceOf({ metadata: false })
  const asked = { resource: bare, route: bare.otherwise, scheme: undefined }
  assert.deepEqual(answer(refusals.token_missing, asked).headers, ['WWW-Authenticate', 'Bearer realm="orders"'])
  const nowhere = { resource: undefined, route: undefined, scheme: undefined }
  assert.deepEqual(answer(refusals.token_missing, nowhere).headers, ['WWW-Authenticate', 'Bearer realm="audgate"'])
})

test('BR-13: a route that needs no scope names none', () => {
  const free = resourceOf({})
  const asked = { resource: free, route: free.otherwise, scheme: undefined }
  assert.deepEqual(fieldLines(answer(refusals.token_missing, asked).headers, 'WWW-Authenticate'), [
    `Bearer ${metadata}`,
  ])
})

test('BR-13: a member of any_scope that is needed anyway is named once, and the same full list whatever is missing', () => {
  const twice = resourceOf({ scopes: ['b'], routes: { 'GET /': { scopes: ['a'], anyScope: ['b', 'c'] } } })
  const asked = { resource: twice, route: twice.all[0], scheme: undefined }
  for (const got of [[], ['a'], ['b']]) {
    const refusal = { ...refusals.scope_insufficient, required: ['b', 'a'], anyOf: ['b', 'c'], got }
    const [line = ''] = fieldLines(answer(refusal, asked).headers, 'WWW-Authenticate')
    assert.equal(parseChallenges([line])[0]?.parameters.get('scope'), 'b a')
  }
})

test('BR-15: a quote or backslash in a value is escaped', () => {
  const policyOfQuotes = { exposeReason: true, proofAlgorithms: 'a"b\\c' }
  const { headers } = answerRefusal(refusals.proof_invalid, plain, 'id-1', policyOfQuotes)
  assert.match(headers.join(), /algs="a\\"b\\\\c"/)
})

test('refusals.expose_reason: false hides which check of the first group failed, and nothing else', () => {
  const first = reasons.filter((reason) => 'unproven' in refusalTable[reason])
  assert.deepEqual(first, [
    'token_too_long',
    'token_opaque',
    'token_malformed',
    'decryption_failed',
    'token_inactive',
    'issuer_untrusted',
    'token_type_wrong',
    'algorithm_refused',
    'key_unknown',
    'signature_invalid',
  ])
  for (const refusal of everyRefusal) {
    const expected = first.includes(refusal.reason) ? 'token_invalid' : refusal.reason
    assert.equal(answer(refusal, plain, false).body.reason, expected)
  }
})

test('HS-21: 405 lists what is allowed; AS-12, ER-5: 503 says when to come back, in whole seconds', () => {
  const retry = (retryAfterSeconds: number) => [
    answer({ ...refusals.keys_unavailable, retryAfterSeconds }).headers,
    answer({ ...refusals.introspection_unavailable, retryAfterSeconds }).headers,
    answer({ ...refusals.store_unavailable, retryAfterSeconds }).headers,
  ]
  assert.deepEqual(answer({ reason: 'method_not_allowed', allow: ['GET', 'HEAD'] }).headers, ['Allow', 'GET, HEAD'])
  for (const headers of retry(0.2)) assert.deepEqual(headers, ['Retry-After', '1'])
  for (const headers of retry(12.1)) assert.deepEqual(headers, ['Retry-After', '13'])
})
