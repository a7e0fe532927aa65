import assert from 'node:assert/strict'
import { createHmac } from 'node:crypto'
import { join } from 'node:path'
import { test } from 'node:test'
import { json, startKeyServer } from '../keys/key-server.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { certificateFiles } from '../support/certificate-files.ts'
import { createDecryptionJwk } from '../support/encryption-keys.ts'
import { eventually } from '../support/eventually.ts'
import { followFiles } from '../support/follow-files.ts'
import { startGateway, type TestGateway } from '../support/gateway.ts'
import { startIntrospectionServer } from '../support/introspection-server.ts'
import { jsonOf } from '../support/json.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { issue } from '../support/tls.ts'
import { base64url, createKey, goodClaims, mint, publicKeyOf } from '../support/tokens.ts'
import { startUpstream } from '../support/upstream.ts'

const entries = (map: Readonly<Record<string, unknown>>): string => `upstreams: ${JSON.stringify(map)}\n`
const orders = { resource: ORDERS, at: '/orders', name: 'orders' }
const next = createKey('ES256', 'es1')

/** `passed`, or the reason of the refusal. */
const ask = async ({ url }: TestGateway, token = liveToken(), path = '/orders/1'): Promise<string> => {
  const response = await fetch(`${url}${path}`, { headers: { Authorization: `Bearer ${token}` } })
  return response.ok ? 'passed' : `${(await jsonOf(response)).reason}`
}

test('AS-11: a token of an issuer that is gone is refused at once, however well it was known', async (t) => {
  const upstream = await startUpstream(t)
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders }))
  const token = liveToken()
  assert.deepEqual([await ask(stage, token), await ask(stage, token)], ['passed', 'passed'])
  const second = `issuers: { main: { issuer: https://second.test, keys: { jwks: { keys: [${JSON.stringify(next.jwk)}] } } } }\n`
  await stage.reload(second + entries({ [upstream.url]: orders }))
  assert.equal(await ask(stage, token), 'issuer_untrusted')
  // Back again, it has to be proven again.
  await stage.reload(issuerYaml() + entries({ [upstream.url]: orders }))
  assert.equal(await ask(stage, token), 'passed')
})

for (const { what, after } of [
  { what: 'an issuer', after: { issuers: [] as string[], taken: 'issuer_untrusted' } },
  { what: 'a resource', after: { issuers: ['main'], taken: 'route_unknown' } },
]) {
  test(`AS-11: ${what} that is gone is gone at once, also where a new issuer does not answer`, async (t) => {
    const server = await startKeyServer(t)
    const held: (() => void)[] = []
    server.set('/jwks', (_request, response) => held.push(() => response.end(JSON.stringify({ keys: [next.jwk] }))))
    const upstream = await startUpstream(t)
    const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders }))
    const token = liveToken()
    assert.equal(await ask(stage, token), 'passed')
    const all = {
      main: { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } } },
      second: { issuer: 'https://second.test', keys: { jwks_uri: server.url('/jwks') }, refresh: { timeout: '1m' } },
    }
    const named = Object.fromEntries(
      Object.entries(all).filter(([name]) => [...after.issuers, 'second'].includes(name)),
    )
    const at = after.taken === 'route_unknown' ? '/moved' : orders.at
    const place = { ...orders, at, issuers: Object.keys(named) }
    let over = false
    const reload = stage.reload(`issuers: ${JSON.stringify(named)}\n${entries({ [upstream.url]: place })}`).then(() => {
      over = true
    })
    await eventually('the new issuer is asked', () => held.length === 1)
    assert.equal(await ask(stage, token), after.taken)
    assert.equal(over, false)
    // Who comes for the new one waits for its keys, and is served with them.
    const iat = Math.floor(Date.now() / 1000)
    const fresh = mint({ key: next, claims: { iss: 'https://second.test', aud: ORDERS, iat, exp: iat + 600 } })
    const waiting = ask(stage, fresh, `${at}/1`)
    await eventually('it waits', async () => /^audgate_open_requests 1$/m.test(await stage.metrics()))
    held[0]?.()
    assert.equal(await waiting, 'passed')
    await reload
  })
}

test('AS-11: a token that was proven with a key which the config no longer has is refused at once', async (t) => {
  const upstream = await startUpstream(t)
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders }))
  const token = liveToken()
  assert.deepEqual([await ask(stage, token), await ask(stage, token)], ['passed', 'passed'])
  await stage.reload(issuerYaml(next.jwk) + entries({ [upstream.url]: orders }))
  assert.equal(await ask(stage, token), 'signature_invalid')
})

test('AS-11: a proof that is still under way at the reload counts for its own request and for no other', async (t) => {
  const server = await startKeyServer(t)
  let release: () => void = () => undefined
  server.set('/jwks', (_request, response) => {
    release = () => response.end(JSON.stringify({ keys: [liveKey.jwk] }))
  })
  const upstream = await startUpstream(t)
  const remote = `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' } } }\n`
  const stage = await startGateway(t, remote + entries({ [upstream.url]: orders }))
  const token = liveToken()
  const underWay = ask(stage, token)
  await eventually('the request waits for keys', async () => /^audgate_open_requests 1$/m.test(await stage.metrics()))
  await stage.reload(issuerYaml(next.jwk) + entries({ [upstream.url]: orders }))
  assert.equal(await ask(stage, token), 'signature_invalid')
  release()
  assert.equal(await underWay, 'passed')
  assert.equal(await ask(stage, token), 'signature_invalid')
})

test('AS-11: an answer about an opaque token that comes after the reload counts for its own request and for no other', async (t) => {
  const server = await startIntrospectionServer(t)
  const members = { active: true, aud: ORDERS, scope: 'orders:read' }
  let release: () => void = () => undefined
  server.say(
    () =>
      new Promise((resolve) => {
        release = () => resolve(members)
      }),
  )
  const upstream = await startUpstream(t)
  const asking = { endpoint: server.url, client_secret_file: temporaryFile(t, 'secret', 'wh1sper') }
  const yaml = (client: string) => {
    const introspection = { ...asking, client_id: client }
    const main = { issuer: 'https://as.test/oidc', keys: { jwks: { keys: [liveKey.jwk] } }, introspection }
    return `issuers: ${JSON.stringify({ main })}\n${entries({ [upstream.url]: orders })}`
  }
  const stage = await startGateway(t, yaml('one'))
  await eventually('the keys', async () => /^audgate_jwks_keys\{issuer="main"\} 1$/m.test(await stage.metrics()))
  const underWay = ask(stage, 'opaque-1')
  await eventually('it is asked', () => server.calls.length === 1)
  await stage.reload(yaml('two'))
  release()
  assert.equal(await underWay, 'passed')
  const hits = async () => /^audgate_token_cache_total\{result="hit"\} (\d+)$/m.exec(await stage.metrics())?.[1]
  server.say({ active: false })
  await ask(stage, 'opaque-1')
  assert.equal(await hits(), '0')
})

const now = Math.floor(Date.now() / 1000)
const claims = { aud: ORDERS, iat: now, exp: now + 600 }
const pem = ({ jwk }: typeof next): string => String(publicKeyOf(jwk).export({ type: 'spki', format: 'pem' }))
const withMac = (secret: string): string => {
  const parts = [{ alg: 'HS256', typ: 'at+jwt' }, goodClaims(claims)].map((part) => base64url(JSON.stringify(part)))
  return `${parts.join('.')}.${createHmac('sha256', secret).update(parts.join('.')).digest('base64url')}`
}
const [oneSecret, otherSecret] = ['a', 'b'].map((letter) => letter.repeat(32)) as [string, string]

for (const { option, before, after, more = '' } of [
  {
    option: 'jwks_file',
    before: { content: JSON.stringify({ keys: [liveKey.jwk] }), token: liveToken() },
    after: { content: JSON.stringify({ keys: [next.jwk] }), token: mint({ key: next, claims }) },
  },
  {
    option: 'pem_file',
    before: { content: pem(liveKey), token: liveToken() },
    after: { content: pem(next), token: mint({ key: next, claims }) },
  },
  {
    option: 'secret_file',
    more: ', algorithms: [HS256]',
    before: { content: oneSecret, token: withMac(oneSecret) },
    after: { content: otherSecret, token: withMac(otherSecret) },
  },
]) {
  test(`AS-11, operations 4.5: where \`${option}\` alone changes, its new key counts, and what the old one has proven is void`, async (t) => {
    const files = certificateFiles(t)
    const source = files.path('key')
    files.write('key', before.content)
    const upstream = await startUpstream(t)
    const issuer = `issuers: { main: { issuer: https://as.test/oidc, keys: { ${option}: ${source} }${more} } }\n`
    const stage = await startGateway(t, issuer + entries({ [upstream.url]: orders }))
    followFiles(t, stage)
    assert.deepEqual([await ask(stage, before.token), await ask(stage, before.token)], ['passed', 'passed'])
    files.write('key', after.content)
    await eventually('the old key is void', async () => (await ask(stage, before.token)) === 'signature_invalid')
    assert.equal(await ask(stage, after.token), 'passed')
    const told = async () =>
      (await stage.log()).find(({ msg, files }) => msg === 'config reloaded' && `${files}`.includes(source))
    await eventually('it is told', async () => (await told()) !== undefined)
    const { added, removed, changed } = (await told()) ?? {}
    assert.deepEqual([added, removed, changed], [[], [], []])
  })
}

test('operations 4.5: private keys in a file that changes alone are read again, and the keys of the issuer are not fetched', async (t) => {
  const server = await startKeyServer(t)
  server.set('/jwks', json({ keys: [liveKey.jwk] }))
  const set = (...kids: readonly string[]) =>
    JSON.stringify({ keys: kids.map((kid) => createDecryptionJwk('P-256', { kid })) })
  const files = certificateFiles(t)
  files.write('private.json', set('one'))
  const stage = await startGateway(
    t,
    `issuers: { main: { issuer: https://as.test/oidc, keys: { jwks_uri: '${server.url('/jwks')}' }, decryption: { jwks_file: ${files.path('private.json')} } } }\n` +
      entries({ 'http://127.0.0.1:9': orders }),
  )
  followFiles(t, stage)
  const keys = async (): Promise<unknown> => {
    const [issuer] = JSON.parse(await (await fetch(`http://127.0.0.1:${stage.adminPort}/issuers`)).text())
    return issuer.decryption.keys
  }
  await eventually('the first', async () => (await keys()) === 1)
  files.write('private.json', set('one', 'two'))
  await eventually('both', async () => (await keys()) === 2)
  assert.equal(server.hits('/jwks'), 1)
})

test('the gauges of what is gone are gone, its counters stay, and requests for it are refused', async (t) => {
  const files = certificateFiles(t)
  const upstream = await startUpstream(t)
  const stock = {
    resource: 'https://api.test/stock',
    at: '/stock',
    name: 'stock',
    issuers: ['second'],
    tls: files.identity('own', issue('gateway')),
  }
  const both =
    `${issuerYaml().trimEnd().replace(/ \}$/, '')}, second: { issuer: https://second.test, keys: { jwks: { keys: [${JSON.stringify(next.jwk)}] } } } }\n` +
    entries({ [upstream.url]: { ...orders, issuers: ['main'] }, 'https://127.0.0.1:9': stock })
  const stage = await startGateway(t, both)
  assert.equal(await ask(stage, liveToken(), '/stock/1'), 'issuer_untrusted')
  const gauges = [
    /^audgate_jwks_keys\{issuer="second"\} 1$/m,
    /^audgate_jwks_state\{issuer="second",state="fresh"\} 1$/m,
    /^audgate_jwks_last_success_timestamp_seconds\{issuer="second"\} /m,
    /^audgate_upstream_healthy\{resource="stock",/m,
    /^audgate_tls_certificate_not_after_timestamp_seconds\{name="upstream:stock"\} /m,
  ]
  const before = await stage.metrics()
  for (const gauge of gauges) assert.match(before, gauge)
  await stage.reload(issuerYaml() + entries({ [upstream.url]: { ...orders, issuers: ['main'] } }))
  assert.equal(await ask(stage, liveToken(), '/stock/1'), 'route_unknown')
  assert.equal(await ask(stage), 'passed')
  const after = await stage.metrics()
  for (const gauge of gauges) assert.doesNotMatch(after, gauge)
  assert.match(after, /^audgate_decisions_total\{resource="stock",.*reason="issuer_untrusted"\} 1$/m)
  assert.match(after, /^audgate_jwks_unknown_kid_total\{issuer="second"\} 0$/m)
  // And they are back with it.
  await stage.reload(both)
  const again = await stage.metrics()
  for (const gauge of gauges) assert.match(again, gauge)
})

test('one line tells what is different, by name, and a warning comes with its place in the file', async (t) => {
  const upstream = await startUpstream(t)
  const stage = await startGateway(t, issuerYaml() + entries({ [upstream.url]: orders }))
  await stage.reload(
    `refusals: { expose_reason: false }\nissuers: {}\n` +
      entries({ [upstream.url]: { ...orders, name: 'renamed', routes: { '/**': 'public' } } }),
  )
  await eventually('it is told', async () => (await stage.logText()).includes('config reloaded'))
  const log = await stage.log()
  const told = log.filter(({ msg }) => msg === 'config reloaded')
  assert.equal(told.length, 1)
  assert.deepEqual(
    [told[0]?.added, told[0]?.removed, told[0]?.changed],
    [['upstream renamed'], ['issuer main', 'upstream orders'], ['refusals']],
  )
  const warned = log.find(({ msg }) => String(msg).startsWith('no issuers'))
  assert.deepEqual([warned?.level, warned?.line, warned?.file], ['warn', 4, join(process.cwd(), 'config/test.yaml')])
})
