import assert from 'node:assert/strict'
import { test } from 'node:test'
import { createDiscovery, metadataCandidates } from '../../src/keys/discovery.ts'
import { createHttpClient } from '../../src/keys/http-client.ts'
import { type Answer, endless, json, type KeyServer, silence, startKeyServer, status, text } from './key-server.ts'
import { minute, startSource, verdict } from './remote-setup.ts'
import { publicJwk } from './test-keys.ts'
import { certificate, tls } from './tls.ts'

const key = await publicJwk('ES256', { kid: '1' })

const insertedOauth = '/.well-known/oauth-authorization-server'
const insertedOidc = '/.well-known/openid-configuration'

const candidates: readonly (readonly [string, readonly string[]])[] = [
  ['https://h', [`https://h${insertedOauth}`, `https://h${insertedOidc}`]],
  ['https://h/', [`https://h${insertedOauth}`, `https://h${insertedOidc}`]],
  ['https://h:8443', [`https://h:8443${insertedOauth}`, `https://h:8443${insertedOidc}`]],
  ['https://h/t', [`https://h${insertedOauth}/t`, `https://h${insertedOidc}/t`, `https://h/t${insertedOidc}`]],
  ['https://h/t/', [`https://h${insertedOauth}/t`, `https://h${insertedOidc}/t`, `https://h/t${insertedOidc}`]],
  [
    'https://h/A/b%2f',
    [`https://h${insertedOauth}/A/b%2f`, `https://h${insertedOidc}/A/b%2f`, `https://h/A/b%2f${insertedOidc}`],
  ],
  ['https://h/t?q', []],
  ['https://h/t#f', []],
  ['urn:issuer', []],
]

for (const [issuer, expected] of candidates) {
  test(`AS-2, AS-3: where the metadata of ${issuer} is looked for, in which order`, () => {
    assert.deepEqual(
      metadataCandidates({ issuer, metadataUrl: undefined }).map(({ url }) => url),
      expected,
    )
  })
}

const locate = async (
  t: Parameters<typeof startKeyServer>[0],
  server: KeyServer,
  {
    path = '',
    ca,
    allowHttp = false,
    metadataUrl,
    timeoutMs = 2_000,
  }: {
    path?: string
    ca?: string
    allowHttp?: boolean
    metadataUrl?: string
    timeoutMs?: number
  } = {},
) => {
  const client = createHttpClient(ca, timeoutMs)
  t.after(() => client.close())
  const options = { issuer: server.origin + path, metadataUrl, allowHttp, timeoutMs }
  return createDiscovery(options, client, () => undefined).locate()
}

const metadata = (server: KeyServer, path = '', members: Record<string, unknown> = {}): Answer =>
  json({ issuer: server.origin + path, jwks_uri: server.url('/jwks'), unknown_member: [1], ...members })

for (const path of ['', '/t', '/t/']) {
  const issuerPath = path.replace(/\/$/, '')
  const forms = [
    insertedOauth + issuerPath,
    insertedOidc + issuerPath,
    ...(path === '' ? [] : [issuerPath + insertedOidc]),
  ]
  for (const form of forms) {
    test(`AS-3: an issuer at "${path}" that serves ${form} only is found`, async (t) => {
      const server = await startKeyServer(t)
      server.set(form, metadata(server, path))
      assert.deepEqual(await locate(t, server, { path }), { ok: true, jwksUri: server.url('/jwks') })
    })
  }
}

const unfit: readonly (readonly [string, (server: KeyServer) => Answer, string, RegExp])[] = [
  [
    'AS-1: an issuer with a slash more',
    (s) => metadata(s, '', { issuer: `${s.origin}/` }),
    'parse',
    /names the issuer/,
  ],
  [
    'AS-1: an issuer in other case',
    (s) => metadata(s, '', { issuer: s.origin.toUpperCase() }),
    'parse',
    /names the issuer/,
  ],
  [
    'AS-1: another host',
    (s) => metadata(s, '', { issuer: 'https://other.example' }),
    'parse',
    /"https:\/\/other.example"/,
  ],
  ['AS-1: no issuer', (s) => metadata(s, '', { issuer: undefined }), 'parse', /of another type/],
  ['AS-1: a list with the issuer', (s) => metadata(s, '', { issuer: [s.origin] }), 'parse', /of another type/],
  ['AS-4: HTML with 200', () => text('<html>', 'text/html'), 'parse', /application\/json/],
  [
    'AS-4: JSON that calls itself text',
    (s) => text(JSON.stringify({ issuer: s.origin, jwks_uri: s.url('/jwks') }), 'text/plain'),
    'parse',
    /application\/json/,
  ],
  ['AS-4: a list', () => json([]), 'parse', /JSON object/],
  ['AS-4: null', () => json(null), 'parse', /JSON object/],
  ['AS-4: half a document', () => text('{"issuer":'), 'parse', /JSON object/],
  ['AS-4: 204', () => status(204), 'http', /answered 204/],
  ['AS-6: 302', () => status(302, { location: '/jwks' }), 'http', /redirects are not followed/],
  ['AS-6: no end', () => endless, 'too_large', /./],
  ['AS-6: no answer', () => silence, 'timeout', /in time/],
  ['no jwks_uri', (s) => metadata(s, '', { jwks_uri: undefined }), 'parse', /no jwks_uri/],
  ['a jwks_uri of another type', (s) => metadata(s, '', { jwks_uri: {} }), 'parse', /no jwks_uri/],
  [
    'AS-5: a jwks_uri on http beyond loopback',
    (s) => metadata(s, '', { jwks_uri: 'http://as.example.com/jwks' }),
    'parse',
    /plain http/,
  ],
  [
    'AS-6: a jwks_uri that is a file',
    (s) => metadata(s, '', { jwks_uri: 'file:///etc/passwd' }),
    'parse',
    /scheme file:/,
  ],
  [
    'AS-6: a jwks_uri with credentials',
    (s) => metadata(s, '', { jwks_uri: 'https://a:b@as.example.com/' }),
    'parse',
    /credentials/,
  ],
  ['a relative jwks_uri', (s) => metadata(s, '', { jwks_uri: '/jwks' }), 'parse', /absolute/],
]

for (const [name, answer, result, message] of unfit) {
  test(`${name}: the document is not used`, async (t) => {
    const server = await startKeyServer(t)
    server.set(insertedOauth, answer(server))
    const located = await locate(t, server, { timeoutMs: result === 'timeout' ? 150 : 2_000 })
    assert.ok(!located.ok)
    assert.equal(located.result, result)
    assert.match(located.message, message)
    assert.equal(server.hits('/jwks'), 0)
  })
}

test('AS-1: a document of another issuer is passed over for the right one in the next place', async (t) => {
  const server = await startKeyServer(t)
  server.set(`${insertedOauth}/t`, metadata(server))
  server.set(`/t${insertedOidc}`, metadata(server, '/t'))
  assert.equal((await locate(t, server, { path: '/t' })).ok, true)
})

test('AS-3: where the first form cannot be reached, the others on the same origin are not tried', async (t) => {
  const server = await startKeyServer(t)
  server.set(`${insertedOauth}/t`, silence)
  server.set(`${insertedOidc}/t`, metadata(server, '/t'))
  const located = await locate(t, server, { path: '/t', timeoutMs: 150 })
  assert.deepEqual([!located.ok && located.result, server.allHits()], ['timeout', 1])
})

test('AS-3: metadata_url pins the document, whose issuer must be right all the same', async (t) => {
  const server = await startKeyServer(t)
  server.set('/pinned', metadata(server))
  server.set('/wrong', metadata(server, '/other'))
  assert.equal((await locate(t, server, { metadataUrl: server.url('/pinned') })).ok, true)
  assert.equal((await locate(t, server, { metadataUrl: server.url('/wrong') })).ok, false)
  assert.deepEqual([server.hits('/pinned'), server.hits('/wrong'), server.allHits()], [1, 1, 2])
})

test('AS-5: metadata that came over https cannot point to plain http, not even on loopback, unless that was allowed', async (t) => {
  const server = await startKeyServer(t, tls)
  server.set(insertedOauth, metadata(server, '', { jwks_uri: 'http://127.0.0.1:1/jwks' }))
  const located = await locate(t, server, { ca: certificate })
  assert.match(located.ok ? '' : located.message, /although the metadata came over https/)
  assert.equal((await locate(t, server, { ca: certificate, allowHttp: true })).ok, true)
})

test('AS-5: an http issuer beyond loopback is not asked unless that was allowed', async (t) => {
  const client = createHttpClient(undefined, 2_000)
  t.after(() => client.close())
  const options = { issuer: 'http://as.example.com', metadataUrl: undefined, allowHttp: false, timeoutMs: 2_000 }
  const located = await createDiscovery(options, client, () => undefined).locate()
  assert.match(located.ok ? '' : located.message, /plain http beyond loopback/)
})

test('AS-5: a server whose certificate signs itself leaves the issuer without keys, and with ca_file it works', async (t) => {
  const server = await startKeyServer(t, tls)
  server.set(insertedOauth, metadata(server))
  server.set('/jwks', json({ keys: [key] }))
  const start = (ca: string | undefined) =>
    startSource(t, { kind: 'discovery' }, { issuer: server.origin, keys: { ca } })
  const without = start(undefined)
  await without.source.started
  assert.deepEqual([without.source.state, without.events.fetches], ['cold', ['tls']])
  const withCa = start(certificate)
  await withCa.source.started
  assert.equal(await verdict(withCa.source, '1'), 'key')
})

const issuerWith = async (t: Parameters<typeof startKeyServer>[0]) => {
  const server = await startKeyServer(t)
  server.set(insertedOauth, metadata(server))
  server.set('/jwks', json({ keys: [key] }))
  return { server, start: () => startSource(t, { kind: 'discovery' }, { issuer: server.origin, random: 0 }) }
}

test('AS-7: OAuth and OpenID metadata that name different keys are warned about, and the first is used', async (t) => {
  const { server, start } = await issuerWith(t)
  server.set(insertedOidc, metadata(server, '', { jwks_uri: server.url('/other') }))
  const { source, events, clock } = start()
  await source.started
  await events.warningCount(1)
  assert.match(events.warnings[0] ?? '', /\/jwks and the OpenID metadata names http:\S+\/other: using the first/)
  assert.equal(source.report().jwksUri, server.url('/jwks'))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.deepEqual([events.warnings.length, server.hits(insertedOidc), server.hits('/other')], [1, 1, 0])
})

test('AS-7: metadata that agree are not warned about', async (t) => {
  const { server, start } = await issuerWith(t)
  let asked = (): void => undefined
  const compared = new Promise<void>((resolve) => {
    asked = resolve
  })
  server.set(insertedOidc, (request, response) => {
    response.on('close', () => setImmediate(asked))
    metadata(server)(request, response)
  })
  const { source, events, clock } = start()
  await Promise.all([source.started, compared])
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.deepEqual(events.warnings, [])
})

test('a jwks_uri that moves is followed at the next refresh, and an unknown kid does not cause a look at the metadata', async (t) => {
  const { server, start } = await issuerWith(t)
  const { source, events, clock } = start()
  await source.started
  server.set(insertedOauth, metadata(server, '', { jwks_uri: server.url('/moved') }))
  server.set('/moved', json({ keys: [{ ...key, kid: '2' }] }))
  assert.equal(await verdict(source, '2'), 'key_unknown')
  assert.equal(server.hits(insertedOauth), 1)
  clock.advance(10 * minute)
  await events.fetchCount(3)
  assert.deepEqual([await verdict(source, '2'), await verdict(source, '1')], ['key', 'key_unknown'])
})

test('metadata that fail later do not stop the keys from being refreshed, and are warned about once', async (t) => {
  const { server, start } = await issuerWith(t)
  const { source, events, clock } = start()
  await source.started
  server.set(insertedOauth, metadata(server, '/other'))
  for (const count of [2, 3]) {
    clock.advance(10 * minute)
    await events.fetchCount(count)
  }
  assert.deepEqual([source.state, server.hits('/jwks'), events.warnings.length], ['fresh', 3, 1])
  assert.match(events.warnings[0] ?? '', /names the issuer .* is still used/)
})

const keyless = async (t: Parameters<typeof startKeyServer>[0], path = '', keysOptional = true) => {
  const server = await startKeyServer(t)
  server.set(insertedOauth + path, metadata(server, path, { jwks_uri: undefined }))
  const issuer = server.origin + path
  return { server, start: () => startSource(t, { kind: 'discovery' }, { issuer, random: 0, keysOptional }) }
}

test('AS-12: an issuer whose keys are optional and whose metadata name none has no keys, and that is no failure', async (t) => {
  const { server, start } = await keyless(t)
  const { source, events, clock } = start()
  await source.started
  assert.deepEqual([source.state, source.report().keys, source.report().jwksUri], ['fresh', 0, undefined])
  assert.deepEqual([await verdict(source, '1'), await verdict(source, undefined)], ['key_unknown', 'key_unknown'])
  assert.equal(server.hits(insertedOauth), 1, 'no token causes a look at the metadata')
  clock.advance(10 * minute - 1)
  assert.equal(server.hits(insertedOauth), 1)
  clock.advance(1)
  await events.fetchCount(2)
  assert.deepEqual([events.fetches, server.hits(insertedOauth)], [['ok', 'ok'], 2])
  assert.deepEqual(events.warnings, [
    `${server.url(insertedOauth)}: has no jwks_uri: no JWT of this issuer is accepted`,
  ])
})

test('keys that an issuer without any begins to publish are used from the next refresh on', async (t) => {
  const { server, start } = await keyless(t)
  const { source, events, clock } = start()
  await source.started
  const { generation } = source
  server.set(insertedOauth, metadata(server))
  server.set('/jwks', json({ keys: [key] }))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.equal(await verdict(source, '1'), 'key')
  assert.notEqual(source.generation, generation)
})

test('keys that served stay in use when the metadata name none any more', async (t) => {
  const { server, start } = await keyless(t)
  server.set(insertedOauth, metadata(server))
  server.set('/jwks', json({ keys: [key] }))
  const { source, events, clock } = start()
  await source.started
  server.set(insertedOauth, metadata(server, '', { jwks_uri: undefined }))
  clock.advance(10 * minute)
  await events.fetchCount(2)
  assert.equal(await verdict(source, '1'), 'key')
  assert.match(events.warnings[0] ?? '', /has no jwks_uri; the jwks_uri that was named before is still used$/)
})

test('without keys there is nothing to verify with where keys are not optional', async (t) => {
  const { start } = await keyless(t, '', false)
  const { source, events } = start()
  await source.started
  assert.deepEqual([source.state, events.fetches, await verdict(source, '1')], ['cold', ['parse'], 'keys_unavailable'])
})

for (const [name, answer] of [
  ['AS-1: is of another issuer', (s) => metadata(s, '/other')],
  ['answers 500', () => status(500)],
  ['redirects', () => status(302, { location: '/' })],
  ['is HTML', () => text('<html>', 'text/html')],
  ['has a jwks_uri that is no string', (s) => metadata(s, '/t', { jwks_uri: ['x'] })],
  ['AS-5: has a jwks_uri that may not be asked', (s) => metadata(s, '/t', { jwks_uri: 'http://as.example.com/' })],
] as const satisfies readonly (readonly [string, (server: KeyServer) => Answer])[]) {
  test(`AS-12: while a second document ${name}, nobody knows that there are no keys`, async (t) => {
    const { server, start } = await keyless(t, '/t')
    server.set(`/t${insertedOidc}`, answer(server))
    const { source } = start()
    await source.started
    assert.deepEqual([source.state, await verdict(source, '1')], ['cold', 'keys_unavailable'])
  })
}

for (const code of [408, 425, 429, 500]) {
  test(`AS-12: a place that answers ${code} may name keys, so the issuer is not one without keys`, async (t) => {
    const { server, start } = await keyless(t)
    server.set(insertedOidc, status(code))
    const { source } = start()
    await source.started
    assert.equal(source.state, 'cold')
    assert.equal(await verdict(source, '1'), 'keys_unavailable')
  })
}
