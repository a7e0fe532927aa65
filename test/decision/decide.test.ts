import assert from 'node:assert/strict'
import { test } from 'node:test'
import { type Admission, admit, type RequestFacts } from '../../src/decision/decide.ts'
import type { StepReport } from '../../src/decision/step.ts'
import { policy } from '../support/policy.ts'

const resources = policy(
  {
    indicator: 'https://api.test/orders',
    name: 'orders',
    routes: { 'GET /': 'orders:read', 'GET /health': 'public', 'GET /internal/**': 'deny' },
  },
  { indicator: 'https://api.test/files', name: 'files', paths: { encodedSlashes: true, parameters: true } },
  { indicator: 'https://api.test/half', name: 'half', paths: { encodedSlashes: true } },
)
const open = { targetSize: 100, requireHttps: false }

const facts = (change: Partial<RequestFacts>): RequestFacts => ({
  method: 'GET',
  target: '/orders',
  authority: 'api.test',
  authorization: ['Bearer a.b.c'],
  secure: false,
  ...change,
})

const told = (admission: Admission): string => {
  switch (admission.kind) {
    case 'refused':
      return admission.refusal.reason
    case 'metadata':
      return `metadata ${admission.resource.name}`
    case 'public':
      return `public ${admission.pass.match.route.key}`
    case 'candidate':
      return `candidate ${admission.candidate.credential}`
  }
}
const ask = (change: Partial<RequestFacts>, policyOf = open): string => told(admit(facts(change), resources, policyOf))

const cases: readonly (readonly [string, string, Partial<RequestFacts>, string])[] = [
  ['BR-1', 'a good request', {}, 'candidate a.b.c'],
  ['H1-6', 'an unknown method', { method: 'FOO', target: '//' }, 'method_not_implemented'],
  ['H1-3', 'CONNECT', { method: 'CONNECT', target: 'h:80' }, 'method_not_implemented'],
  ['RT-11', 'a method in lower case', { method: 'get' }, 'method_not_implemented'],
  ['H1-5', 'a long target', { target: `/${'a'.repeat(100)}` }, 'target_too_long'],
  ['UR-3', 'dot segments on an unknown host', { target: '/a/../b', authority: 'evil.test' }, 'target_malformed'],
  ['UR-17', 'userinfo in an absolute target', { target: 'http://a@api.test/orders' }, 'request_malformed'],
  ['H1-2', 'an absolute target against Host', { target: 'http://evil.test/orders' }, 'host_unknown'],
  [
    'H1-2',
    'an absolute target that rules',
    { target: 'http://api.test/orders', authority: 'evil.test' },
    'candidate a.b.c',
  ],
  ['H1-2', 'an https target on a plain connection', { target: 'HTTPS://api.test/orders' }, 'target_malformed'],
  ['H1-2', 'an http target on TLS', { target: 'http://api.test/orders', secure: true }, 'target_malformed'],
  ['H1-2', 'an https target on TLS', { target: 'HTTPS://api.test/orders', secure: true }, 'candidate a.b.c'],
  ['RT-1', 'host in odd case and with a port', { authority: 'API.test:8443' }, 'candidate a.b.c'],
  ['HS-19', 'an unknown host', { authority: 'evil.test' }, 'host_unknown'],
  ['HS-19', 'no host at all', { authority: undefined }, 'host_unknown'],
  ['CVE-2026-39350', 'a dot of the host as a wildcard', { authority: 'apiXtest' }, 'host_unknown'],
  ['RT-7', 'an unknown path', { target: '/nowhere' }, 'route_unknown'],
  ['RT-7', 'an unknown route of a known resource', { target: '/orders/1/2' }, 'route_unknown'],
  ['RT-11', 'a method that the route does not list', { method: 'POST' }, 'method_not_allowed'],
  ['HS-7', 'TRACE', { method: 'TRACE' }, 'method_not_allowed'],
  ['contract', 'a denied route', { target: '/orders/internal/x', authorization: [] }, 'route_denied'],
  ['RT-9', 'a public route', { target: '/orders/health', authorization: [] }, 'public GET /health'],
  [
    'RT-9',
    'a public route with a broken credential',
    { target: '/orders/health', authorization: ['x', 'y'] },
    'public GET /health',
  ],
  ['BR-9', 'no credentials', { authorization: [] }, 'token_missing'],
  ['BR-5', 'two credentials', { authorization: ['Bearer a', 'Bearer b'] }, 'credentials_repeated'],
  [
    'BR-6',
    'a token in the query beside one in the header',
    { target: '/orders?access_token=x' },
    'credentials_repeated',
  ],
  ['UR-5', 'an encoded slash by default', { target: '/orders/a%2fb' }, 'target_malformed'],
  ['UR-5', 'an encoded slash for nobody', { target: '/nowhere/a%2Fb' }, 'target_malformed'],
  ['UR-5', 'an encoded slash where it may pass', { target: '/files/a%2Fb' }, 'candidate a.b.c'],
  ['UR-10', 'a parameter by default', { target: '/orders;x=1' }, 'target_malformed'],
  ['UR-10', 'a parameter where only slashes pass', { target: '/half/a%2Fb;x' }, 'target_malformed'],
  ['UR-10', 'an encoded parameter by default', { target: '/orders/a%3Bx' }, 'target_malformed'],
  ['UR-10', 'a parameter inside the prefix', { target: '/files;x/a' }, 'target_malformed'],
  ['UR-10', 'a parameter where it may pass', { target: '/files/a;x=1' }, 'candidate a.b.c'],
  [
    'RT-10',
    'metadata',
    { target: '/.well-known/oauth-protected-resource/orders', authorization: [] },
    'metadata orders',
  ],
  ['PR-16', 'metadata of nobody', { target: '/.well-known/oauth-protected-resource/x' }, 'route_unknown'],
  [
    'HS-19',
    'metadata of an unknown host',
    { target: '/.well-known/oauth-protected-resource/orders', authority: 'x.test' },
    'host_unknown',
  ],
  ['PR-16', 'metadata below a resource', { target: '/.well-known/oauth-protected-resource/orders/1' }, 'route_unknown'],
  [
    'PR-6',
    'metadata by POST',
    { target: '/.well-known/oauth-protected-resource/orders', method: 'POST' },
    'method_not_allowed',
  ],
  ['H1-3', '`OPTIONS *`', { method: 'OPTIONS', target: '*' }, 'route_unknown'],
]
for (const [id, what, change, expected] of cases) {
  test(`${id}: ${what} is ${expected}`, () => assert.equal(ask(change), expected))
}

test('BR-23, HS-20: with `require_https`, what did not come over TLS is refused before its credentials are read', () => {
  const strict = { targetSize: 100, requireHttps: true }
  assert.equal(ask({ authorization: [] }, strict), 'https_required')
  assert.equal(ask({ target: '/orders/health' }, strict), 'https_required')
  assert.equal(ask({ target: '/.well-known/oauth-protected-resource/orders' }, strict), 'https_required')
  assert.equal(ask({ secure: true }, strict), 'candidate a.b.c')
})

test('RT-10: an upstream at the root cannot answer for the metadata of its host', () => {
  const root = policy({ indicator: 'https://api.test/', name: 'root', metadata: false })
  const request = facts({ target: '/.well-known/oauth-protected-resource' })
  assert.equal(told(admit(request, root, open)), 'route_unknown')
})

test('where: the log learns authority, path, resource and route, and never a refused target', () => {
  const found = admit(facts({ target: 'http://API.test/orders/health?x=1' }), resources, open).where
  assert.equal(
    `${found.authority} ${found.path} ${found.query} ${found.resource?.name} ${found.route?.key}`,
    'API.test /orders/health ?x=1 orders GET /health',
  )
  const refused = admit(facts({ target: '/orders/%00' }), resources, open).where
  assert.equal(`${refused.path}${refused.query}`, '')
  const unrouted = admit(facts({ target: '/orders/1/2' }), resources, open).where
  assert.equal(`${unrouted.resource?.name} ${unrouted.route?.key}`, 'orders _otherwise')
})

const schemes: readonly (readonly [string, readonly string[], string | undefined])[] = [
  ['Bearer', ['Bearer a'], 'Bearer'],
  ['DPoP', ['DPoP a'], 'DPoP'],
  ['DPoP in another case', ['dpop a'], 'DPoP'],
  ['DPoP without a token', ['DPoP'], 'DPoP'],
  ['DPoP with a broken token', ['DPoP "a"'], 'DPoP'],
  ['Bearer with a tab', ['Bearer\ta'], 'Bearer'],
  ['Basic', ['Basic a'], undefined],
  ['none', [], undefined],
  ['two', ['DPoP a', 'DPoP a'], undefined],
]
for (const [what, authorization, expected] of schemes) {
  test(`BR-16: the scheme that is told for the challenge is ${expected} where ${what} was sent`, () => {
    assert.equal(admit(facts({ authorization }), resources, open).where.scheme, expected)
  })
}

test('BR-16: where no token is asked for, no scheme was used, whatever was sent', () => {
  for (const target of ['/orders/health', '/orders/internal/x', '/nowhere', '/orders/%00']) {
    assert.equal(admit(facts({ target }), resources, open).where.scheme, undefined)
  }
})

test('RFC 9449 section 7.1: the candidate carries the scheme with its token', () => {
  for (const [line, expected] of [
    ['Bearer a.b.c', 'Bearer a.b.c'],
    ['dPoP a.b.c', 'DPoP a.b.c'],
  ] as const) {
    const admission = admit(facts({ authorization: [line] }), resources, open)
    assert.ok(admission.kind === 'candidate')
    const { scheme, credential } = admission.candidate
    assert.equal(`${scheme} ${credential}`, expected)
  }
})

test('steps: credentials are told by their scheme, never by their token', () => {
  const told = (authorization: readonly string[]): string => {
    const steps: StepReport[] = []
    admit(facts({ authorization }), resources, open, (step) => steps.push(step))
    const { name, found, ok } = steps.at(-1) ?? { name: '', found: '', ok: false }
    return `${name}: ${found}, ${ok}`
  }
  assert.equal(told(['Bearer secret']), 'credentials: one Bearer token, true')
  assert.equal(told(['DPoP secret']), 'credentials: one DPoP token, true')
  assert.equal(told(['DPoP secret secret']), 'credentials: the token is not token68, false')
})

test('steps: every step is told with what was expected and found, up to the first that fails', () => {
  const steps: StepReport[] = []
  admit(facts({ method: 'POST', target: '/orders?access_token=secret' }), resources, open, (step) => steps.push(step))
  assert.deepEqual(
    steps.map(({ name, ok }) => `${name} ${ok}`),
    ['target true', 'host true', 'resource true', 'route false'],
  )
  assert.ok(!JSON.stringify(steps).includes('secret'))
})

test('RI-14, BR-19: the verdict does not change with the case, port or trailing dot of the host', () => {
  for (const authority of ['api.test', 'API.TEST', 'api.test:443', 'Api.Test.:80']) {
    assert.equal(ask({ authority }), 'candidate a.b.c')
    assert.equal(ask({ authority, target: '/x' }), 'route_unknown')
  }
})

test('BR-26: an authority that is none is not handed on to the log: it may hold a password', () => {
  const { where } = admit(facts({ target: 'http://user:secret@api.test/orders' }), resources, open)
  assert.ok(!JSON.stringify(where).includes('secret'))
})
