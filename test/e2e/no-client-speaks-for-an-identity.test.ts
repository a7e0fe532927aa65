import assert from 'node:assert/strict'
import { test } from 'node:test'
import { startGateway } from '../support/gateway.ts'
import { issuerYaml, ORDERS } from '../support/orders.ts'
import { requestBytes, sendRaw, wholeAnswer } from '../support/raw-http.ts'
import { startSpied, startSpy } from '../support/spy.ts'

const spellings = (name: string): string[] => [
  name,
  name.toLowerCase(),
  name.toUpperCase(),
  name.replace('-', '_'),
  name.replaceAll('-', '_'),
  name.replaceAll('-', '.'),
  name.toLowerCase().replaceAll('-', '_'),
  `${name}_`,
]

const forged = ['X-Auth-Subject', 'X-Auth-Client', 'X-Auth-Scopes', 'X-Auth-Issuer', 'X-Auth-Nickname']
  .flatMap(spellings)
  .map((name) => `${name}: forged`)

test('FW-8, FW-9: identity fields are the gateway’s on every route, public ones too, and when the claim is absent', async (t) => {
  const stage = await startSpied(t, {
    entry: {
      identity_headers: {
        'X-Auth-Subject': 'sub',
        'x-AUTH-client': 'client_id',
        'X-Auth-Scopes': 'scope',
        'X-Auth-Issuer': 'iss',
        'X-Auth-Nickname': 'nickname',
      },
      routes: { 'GET,OPTIONS /open': 'public', '/**': 'authenticated' },
    },
  })
  const ask = async (first: string) => {
    const { text } = await sendRaw(
      stage.port,
      requestBytes([`${first} HTTP/1.1`, 'Host: a', stage.authorization, ...forged]),
      { until: wholeAnswer },
    )
    assert.match(text, /^HTTP\/1\.1 200/)
    const seen = stage.spy.requests.at(-1)
    assert.ok(seen)
    assert.doesNotMatch(seen.fields.join('\n'), /forged/, first)
    return seen.fields.filter(([name]) => /auth[^o]/i.test(name))
  }
  for (const first of ['GET /orders/open', 'OPTIONS /orders/open']) assert.deepEqual(await ask(first), [])
  for (const first of ['GET /orders/1', 'OPTIONS /orders/1', 'POST /orders/1']) {
    assert.deepEqual(
      await ask(first),
      [
        ['X-Auth-Subject', 'alice'],
        ['x-AUTH-client', 'cli'],
        ['X-Auth-Scopes', 'orders:read orders:write'],
        ['X-Auth-Issuer', 'https://as.test/oidc'],
      ],
      first,
    )
  }
})

test('FW-8: the identity fields of one resource do not pass another one either', async (t) => {
  const spy = await startSpy(t)
  const map = {
    [spy.url]: { resource: ORDERS, at: '/orders', identity_headers: { 'X-Auth-Subject': 'sub' } },
    [`${spy.url}/plain`]: { resource: 'https://api.test/plain', at: '/plain', routes: { '/**': 'public' } },
  }
  const { port } = await startGateway(t, `${issuerYaml()}upstreams: ${JSON.stringify(map)}`)
  const { text } = await sendRaw(port, requestBytes(['GET /plain/1 HTTP/1.1', 'Host: a', 'X-Auth-Subject: forged']), {
    until: wholeAnswer,
  })
  assert.match(text, /^HTTP\/1\.1 200/)
  assert.deepEqual(spy.requests[0]?.values('x-auth-subject'), [])
})

test('FW-10, H1-26: claim values arrive encoded, in one line, or not at all', async (t) => {
  const stage = await startSpied(t, { entry: { identity_headers: { 'X-Auth-Subject': 'sub', 'X-Auth-Plan': 'plan' } } })
  const rows: readonly [claims: Record<string, unknown>, subject: string | undefined, plan: string | undefined][] = [
    [{ sub: 'a\r\nX-Admin: 1' }, 'a%0D%0AX-Admin: 1', undefined],
    [{ sub: 'a\u010aX-Admin: 1' }, 'a%C4%8AX-Admin: 1', undefined],
    [{ sub: 'nul\0' }, 'nul%00', undefined],
    [{ sub: 'José 🎈 100%' }, 'Jos%C3%A9 %F0%9F%8E%88 100%25', undefined],
    [{ sub: ' a ' }, '%20a%20', undefined],
    [{ sub: 'a', plan: ['gold', 'a,b'] }, 'a', 'gold,a%2Cb'],
    [{ sub: 'a', plan: 7 }, 'a', '7'],
    [{ sub: 'a', plan: { gold: true } }, 'a', undefined],
    [{ sub: 'a', plan: 'x'.repeat(5000) }, 'a', undefined],
    [{ sub: 'a', plan: '' }, 'a', undefined],
    [{ sub: 'a', plan: null }, 'a', undefined],
  ]
  for (const [claims, subject, plan] of rows) {
    const { status, text } = await sendRaw(
      stage.port,
      requestBytes(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${stage.token(claims)}`]),
      { until: wholeAnswer },
    )
    assert.equal(status, 200, text)
    const seen = stage.spy.requests.at(-1)
    assert.deepEqual(seen?.values('x-auth-subject'), subject === undefined ? [] : [subject])
    assert.deepEqual(seen?.values('x-auth-plan'), plan === undefined ? [] : [plan])
    assert.deepEqual(seen?.values('x-admin'), [])
  }
})
