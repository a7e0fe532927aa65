import assert from 'node:assert/strict'
import { test } from 'node:test'
import { requestBytes, sendRaw } from '../support/raw-http.ts'
import { startSpied } from '../support/spy.ts'
import { createKey, mint } from '../support/tokens.ts'

const stranger = createKey('ES256', 'stranger')

test('BR-26, 2.7 row 2: tokens, cookies and secrets appear in no log, metric, error, challenge or admin answer', async (t) => {
  const stage = await startSpied(t, {
    entry: { routes: { 'GET /open': 'public', 'GET /admin': 'admin', '/**': 'orders:read' } },
    extra: 'log: { level: trace }',
  })
  const expired = { iat: 1000, exp: 2000 }
  const good = stage.token({ jti: 'canary-jti', secret_claim: 'canary-claim' })
  const tokens = [
    good,
    stage.token(expired),
    stage.token({ aud: 'https://api.test/other' }),
    stage.token({ scope: 'none' }),
    stage.token({ iss: 'https://evil.test' }),
    mint({ key: stranger, claims: { secret: 'canary-claim' } }),
    `${good.slice(0, -8)}AAAAAAAA`,
    `${good}.canary-part`,
    'canary-opaque-token-0123456789',
    'canary.two',
    'a.b.c',
  ]
  const secrets = [
    'Cookie: session=canary-cookie',
    'DPoP: canary-proof',
    'Proxy-Authorization: Basic canary-proxy',
    'X-Api-Key: canary-key',
  ]
  const outputs: string[] = []
  const send = async (lines: readonly string[], content = ''): Promise<void> => {
    const { text } = await sendRaw(stage.port, requestBytes([...lines, 'Connection: close'], content), {
      quietMs: 3000,
    })
    assert.ok(text.startsWith('HTTP/1.1 '), `${lines}`)
    outputs.push(text)
  }
  for (const token of tokens) {
    for (const path of ['/orders/1', '/orders/open', '/orders/admin', '/elsewhere', '/orders/../1', '/orders//']) {
      await send([`GET ${path} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${token}`, ...secrets])
    }
  }
  await send(['GET /orders/1?access_token=canary-query&x=canary-query HTTP/1.1', 'Host: a'])
  await send([`GET /orders/open?access_token=${good} HTTP/1.1`, 'Host: a'])
  await send([`GET /orders/1?q=${encodeURIComponent(good)} HTTP/1.1`, 'Host: a', `Authorization: Bearer ${good}`])
  await send(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${good}`, `Authorization: Bearer ${good}`])
  await send(['GET /orders/1 HTTP/1.1', 'Host: a', 'Authorization: Basic canary-basic'])
  await send(['GET /orders/1 HTTP/1.1', 'Host: a', 'Authorization: Bearer canary"bad'])
  await send(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${good}`, 'Connection: authorization'])
  await send(['GET /orders/1 HTTP/1.1', 'Host: a', `Authorization: Bearer ${good}`, 'Bad Name: canary-field'])
  await send(
    ['POST /orders/1 HTTP/1.1', 'Host: a', 'Content-Type: application/x-www-form-urlencoded', 'Content-Length: 24'],
    'access_token=canary-form',
  )
  const echoed = outputs.length
  const logged = await stage.logText()
  assert.ok(logged.split('\n').length > echoed)
  for (const path of ['metrics', 'config', 'routes', 'issuers', 'readyz?verbose', 'livez', 'startupz', 'healthz']) {
    outputs.push(await (await fetch(`http://127.0.0.1:${stage.adminPort}/${path}`)).text())
  }
  outputs.push(logged)

  const forms = (secret: string): string[] => [
    secret,
    encodeURIComponent(secret),
    Buffer.from(secret).toString('base64').replace(/=+$/, ''),
    Buffer.from(secret).toString('base64url'),
  ]
  const needles = new Set(
    tokens
      .filter((token) => token.length > 20)
      .flatMap((token) => [token, token.split('.')[1] ?? '', token.split('.')[2] ?? ''])
      .filter((part) => part.length > 20)
      .flatMap(forms),
  )
  for (const output of outputs) {
    // `jti` may be logged, claims may not.
    assert.doesNotMatch(output.replaceAll('canary-jti', ''), /canary/)
    for (const needle of needles) assert.ok(!output.includes(needle), needle.slice(0, 20))
  }
  // The upstream alone has seen the good token, and only where it was meant to.
  assert.doesNotMatch(
    stage.spy.requests
      .filter(({ line }) => line.includes('/open'))
      .map(({ fields }) => fields.join())
      .join(),
    /eyJ/,
  )
})
