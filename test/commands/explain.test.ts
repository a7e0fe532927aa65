import assert from 'node:assert/strict'
import { test } from 'node:test'
import { run } from '../../src/commands/explain.ts'
import type { Explanation } from '../../src/commands/explanation.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { ISSUER } from '../support/tokens.ts'

const yaml = `${issuerYaml()}upstreams:
  http://127.0.0.1:9/v1:
    resource: ${ORDERS}
    name: orders
    identity_headers: { X-Auth-Subject: sub }
    routes:
      GET /{id}: orders:read
      POST /{id}: orders:admin
      GET /health: public
      GET /accounts/{account}: { claims: { account_id: "{account}" } }
    replicas: [http://127.0.0.1:10/v2]
  unix:/run/billing.sock:/v1: { resource: https://api.test/billing, routes: { GET /**: public } }
  unix:/run/bills.sock: { resource: https://api.test/bills, routes: { GET /**: public } }
`

const url = 'https://api.test/orders/42'

const explain = async (t: Parameters<typeof temporaryFile>[0], ...args: string[]) => {
  let out = ''
  let err = ''
  const io = {
    stdout: (text: string) => {
      out += text
    },
    stderr: (text: string) => {
      err += text
    },
    env: {},
  }
  const status = await run(['--config', temporaryFile(t, 'audgate.yaml', yaml), ...args], io)
  return { status, out, err }
}

const cases: readonly (readonly [string, readonly string[], string, number, RegExp])[] = [
  [
    'a good request',
    ['--url', url, '--token', liveToken()],
    'none',
    0,
    /forwarded to http:\/\/127\.0\.0\.1:9\/v1\/42\n/,
  ],
  [
    'a socket with a base path',
    ['--url', 'https://api.test/billing/42'],
    'none',
    0,
    /forwarded to unix:\/run\/billing\.sock:\/v1\/42\n/,
  ],
  ['a socket', ['--url', 'https://api.test/bills/42'], 'none', 0, /forwarded to unix:\/run\/bills\.sock:\/42\n/],
  ['a public route', ['--url', 'https://api.test/orders/health'], 'none', 0, /v1\/health/],
  [
    'the metadata',
    ['--url', 'https://api.test/.well-known/oauth-protected-resource/orders'],
    'none',
    0,
    /"authorization_servers"/,
  ],
  ['no token', ['--url', url], 'token_missing', 1, /WWW-Authenticate: Bearer scope="orders:read"/],
  [
    'a trailing slash',
    ['--url', url, '--token', liveToken({ aud: `${ORDERS}/` })],
    'audience_mismatch',
    1,
    /differs only in the trailing slash/,
  ],
  [
    'a parent',
    ['--url', url, '--token', liveToken({ aud: 'https://api.test' })],
    'audience_mismatch',
    1,
    /is a parent of this resource/,
  ],
  [
    'an opaque token',
    ['--url', url, '--token', 'opaque'],
    'token_opaque',
    1,
    /was `resource` sent to the authorization server/,
  ],
  [
    'another issuer, right audience',
    ['--url', url, '--token', liveToken({ iss: 'https://evil.test' })],
    'issuer_untrusted',
    1,
    /the audience is right/,
  ],
  [
    'an issuer with a slash more',
    ['--url', url, '--token', liveToken({ iss: `${ISSUER}/` })],
    'issuer_untrusted',
    1,
    /only in the trailing slash/,
  ],
  [
    'a missing scope',
    ['--url', url, '--method', 'POST', '--token', liveToken()],
    'scope_insufficient',
    1,
    /scope="orders:admin"/,
  ],
  [
    'a scope in another case',
    ['--url', url, '--token', liveToken({ scope: 'Orders:read' })],
    'scope_insufficient',
    1,
    /only in letter case/,
  ],
  [
    'a claim',
    ['--url', 'https://api.test/orders/accounts/7', '--token', liveToken({ account_id: '8' })],
    'claim_mismatch',
    1,
    /claim account_id +expected 7/,
  ],
  [
    'a time to come',
    ['--url', url, '--now', '2100-01-01T00:00:00Z', '--token', liveToken()],
    'token_expired',
    1,
    /token_expired/,
  ],
  [
    'a time in seconds',
    ['--url', url, '--now', '4102444800', '--token', liveToken()],
    'token_expired',
    1,
    /token_expired/,
  ],
  ['another host', ['--url', 'https://evil.test/orders/42'], 'host_unknown', 1, /HTTP\/1\.1 421/],
  ['a path with a Host field', ['--url', '/orders/42', '--header', 'Host: api.test'], 'token_missing', 1, /401/],
  [
    'two credentials',
    ['--url', url, '--token', liveToken(), '--header', 'Authorization: Basic x'],
    'credentials_repeated',
    1,
    /400/,
  ],
  ['dot segments, kept as they are', ['--url', 'https://api.test/orders/../x'], 'target_malformed', 1, /400/],
  [
    'a nominated identity field',
    ['--url', url, '--header', 'Connection: X-Auth-Subject'],
    'request_malformed',
    1,
    /400 Bad Request/,
  ],
  ['a nominated field', ['--url', url, '--header', 'Connection: authorization'], 'request_malformed', 1, /400/],
  ['an unknown method', ['--url', url, '--method', 'FOO'], 'method_not_implemented', 1, /501/],
]
for (const [what, args, reason, status, says] of cases) {
  test(`explain: ${what} is ${reason}`, async (t) => {
    const text = await explain(t, ...args)
    assert.equal(text.status, status, text.err)
    assert.match(text.out, says)
    assert.match(text.out, new RegExp(status === 0 ? '^allow$' : `^deny: ${reason}$`, 'm'))
    const json: Explanation = JSON.parse((await explain(t, ...args, '--format', 'json')).out)
    assert.equal(json.reason, reason)
    assert.equal(json.decision, status === 0 ? 'allow' : 'deny')
  })
}

test('explain: every step is there, expected and found', async (t) => {
  const { out } = await explain(t, '--url', url, '--token', liveToken(), '--format', 'json')
  const { steps }: Explanation = JSON.parse(out)
  assert.deepEqual(
    steps.map(({ name }) => name),
    [
      'framing',
      'target',
      'host',
      'resource',
      'route',
      'credentials',
      'token',
      'issuer',
      'expiry',
      'audience',
      'sender constraint',
      'scope',
    ],
  )
  assert.ok(steps.every(({ ok, expected, found }) => ok && expected !== '' && found !== ''))
})

test('BR-26: the token is never printed, not even its signature', async (t) => {
  const token = liveToken({ aud: 'urn:other' })
  for (const format of ['text', 'json']) {
    const { out, err } = await explain(t, '--url', `${url}?access_token=${token}`, '--token', token, '--format', format)
    for (const secret of [token, ...token.split('.')]) assert.ok(!(out + err).includes(secret))
  }
})

test('attacks 2.7 row 1: what a stranger wrote cannot steer the terminal', async (t) => {
  const { out } = await explain(t, '--url', url, '--token', liveToken({ aud: 'urn:\u001b[31m\u2028x' }))
  assert.doesNotMatch(out, /[\u001b\u2028]/)
  assert.match(out, /\\u001b/)
})

for (const [what, args] of [
  ['no URL', []],
  ['an unknown format', ['--url', url, '--format', 'xml']],
  ['a time that is none', ['--url', url, '--now', 'soon']],
  ['a header without a colon', ['--url', url, '--header', 'x']],
  ['an unknown option', ['--url', url, '--verbose']],
] as const) {
  test(`explain: ${what} is wrong usage`, async (t) => {
    const { status, err, out } = await explain(t, ...args)
    assert.equal(status, 2)
    assert.match(err, /usage: audgate explain/)
    assert.equal(out, '')
  })
}
