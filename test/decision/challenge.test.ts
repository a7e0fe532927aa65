import assert from 'node:assert/strict'
import { test } from 'node:test'
import { answerRefusal, reasons, refusalTable } from '../../src/decision/challenge.ts'
import type { Reason, Refusal } from '../../src/decision/refusal.ts'
import type { Resource } from '../../src/decision/resource.ts'
import { policy, type TestResource } from '../support/policy.ts'
import { everyRefusal } from '../support/refusals.ts'

const resourceOf = (entry: Partial<TestResource>): Resource => {
  const [resource] = policy({ indicator: 'https://api.test/orders', name: 'orders', ...entry }).all
  if (!resource) throw new Error('no resource')
  return resource
}
const orders = resourceOf({
  scopes: ['orders:read'],
  routes: { 'GET /': { scopes: ['a'], anyScope: ['b', 'c'] }, 'GET /o': 'public' },
})
const [route] = orders.all
const answer = (refusal: Refusal, where = { resource: orders, route }, expose = true) =>
  answerRefusal(refusal, where, 'id-1', expose)
const challengeOf = (headers: readonly string[]): string | undefined => headers[headers.indexOf('WWW-Authenticate') + 1]

const metadata = 'resource_metadata="https://api.test/.well-known/oauth-protected-resource/orders"'
const shared =
  'error="invalid_token", error_description="The access token is malformed, not trusted here, or not valid."'

const golden: Readonly<Record<Reason, readonly [number, string | undefined]>> = {
  request_malformed: [400, undefined],
  target_malformed: [400, undefined],
  target_too_long: [414, undefined],
  header_too_large: [431, undefined],
  body_too_large: [413, undefined],
  request_timeout: [408, undefined],
  expectation_failed: [417, undefined],
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
  issuer_untrusted: [401, `Bearer ${shared}, ${metadata}`],
  token_type_wrong: [401, `Bearer ${shared}, ${metadata}`],
  algorithm_refused: [401, `Bearer ${shared}, ${metadata}`],
  key_unknown: [401, `Bearer ${shared}, ${metadata}`],
  signature_invalid: [401, `Bearer ${shared}, ${metadata}`],
  claim_missing: [
    401,
    `Bearer error="invalid_token", error_description="The access token lacks a required claim.", ${metadata}`,
  ],
  token_expired: [401, `Bearer error="invalid_token", error_description="The access token has expired.", ${metadata}`],
  token_not_yet_valid: [
    401,
    `Bearer error="invalid_token", error_description="The access token is not valid yet.", ${metadata}`,
  ],
  audience_missing: [
    401,
    `Bearer error="invalid_token", error_description="The access token names no audience.", ${metadata}`,
  ],
  audience_mismatch: [
    401,
    `Bearer error="invalid_token", error_description="The access token was issued for another resource.", ${metadata}`,
  ],
  proof_missing: [
    401,
    `Bearer error="invalid_token", error_description="The access token is bound to a key, and its proof is missing.", ${metadata}`,
  ],
  scope_insufficient: [
    403,
    `Bearer error="insufficient_scope", error_description="The access token lacks a scope that this request needs.", scope="orders:read a b", ${metadata}`,
  ],
  claim_mismatch: [403, undefined],
  keys_unavailable: [503, undefined],
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
    assert.equal(challengeOf(headers.includes('WWW-Authenticate') ? headers : []), challenge)
    assert.equal(body.status, status)
    assert.equal(body.reason, refusal.reason)
    assert.equal(body.instance, 'id-1')
    assert.ok(body.title !== 'Error' && body.detail !== '')
  })
}

test('the table has every reason, and the samples cover it', () => {
  assert.deepEqual(new Set(everyRefusal.map(({ reason }) => reason)), new Set(reasons))
})

test('AT-14, BR-14, RI-13: nothing of the request, the token or the policy is in an answer, and never invalid_target', () => {
  const canary = 'canary"\\\r\n'
  for (const refusal of everyRefusal) {
    const marked = JSON.parse(
      JSON.stringify(refusal, (key, value) => (key !== 'reason' && typeof value === 'string' ? canary : value)),
    )
    const text = JSON.stringify(answer({ ...marked, allow: ['GET'] }))
    assert.ok(!text.includes('canary'), refusal.reason)
    assert.ok(!text.includes('invalid_target'))
  }
})

test('BR-12, BR-15: parameters come once each and quoted', () => {
  for (const refusal of everyRefusal) {
    const challenge = answer(refusal).headers[1] ?? ''
    if (!challenge.startsWith('Bearer ')) continue
    const names = [...challenge.matchAll(/([a-z_]+)="(?:[^"\\]|\\.)*"/g)].map(([, name]) => name)
    assert.equal(new Set(names).size, names.length)
    assert.ok(names.length > 0)
  }
})

test('BR-8: a challenge without scope and metadata still has a parameter', () => {
  const bare = resourceOf({ metadata: false })
  assert.equal(
    challengeOf(answer({ reason: 'token_missing', fault: '' }, { resource: bare, route: bare.otherwise }).headers),
    'Bearer realm="orders"',
  )
})

test('refusals.expose_reason: false hides which check of the first group failed, and nothing else', () => {
  const first = reasons.filter((reason) => 'unproven' in refusalTable[reason])
  assert.equal(first.length, 9)
  for (const refusal of everyRefusal) {
    const expected = first.includes(refusal.reason) ? 'token_invalid' : refusal.reason
    assert.equal(answer(refusal, { resource: orders, route }, false).body.reason, expected)
  }
})

test('HS-21: 405 lists what is allowed; AS-12, ER-5: 503 says when to come back, in whole seconds', () => {
  assert.deepEqual(answer({ reason: 'method_not_allowed', allow: ['GET', 'HEAD'] }).headers, ['Allow', 'GET, HEAD'])
  assert.deepEqual(answer({ reason: 'keys_unavailable', issuer: 'main', retryAfterSeconds: 0.2 }).headers, [
    'Retry-After',
    '1',
  ])
  assert.deepEqual(answer({ reason: 'keys_unavailable', issuer: 'main', retryAfterSeconds: 12.1 }).headers, [
    'Retry-After',
    '13',
  ])
})
