import assert from 'node:assert/strict'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { checkOnline, type Outside } from '../../src/commands/check-online.ts'
import type { Issuer } from '../../src/config/config.ts'
import { parseConfig } from '../../src/config/load.ts'
import type { KeyOptions } from '../../src/keys/options.ts'
import { json, silence, startKeyServer, status } from '../keys/key-server.ts'
import { publicJwk } from '../keys/test-keys.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { freePort } from '../support/free-port.ts'
import { raw, startIntrospectionServer } from '../support/introspection-server.ts'

const key = await publicJwk('ES256', { kid: '1' })

const issuer = (name: string, url: string, source: KeyOptions['source'] = { kind: 'discovery' }): Issuer => ({
  name,
  issuer: url,
  token: {
    profile: 'rfc9068',
    algorithms: ['ES256'],
    clockToleranceSeconds: 30,
    claims: { scope: undefined, clientId: undefined },
    maxTokenAgeSeconds: undefined,
    introspection: undefined,
    decryption: undefined,
  },
  keys: {
    source,
    metadataUrl: undefined,
    ca: undefined,
    allowHttp: false,
    refresh: { intervalMs: 600_000, maxStaleMs: 86_400_000, cooldownMs: 30_000, timeoutMs: 300 },
  },
})

const configOf = (issuers: readonly Issuer[], origins: readonly string[] = []): Outside => ({
  store: { kind: 'memory' },
  issuers,
  upstreams: upstreamsOf(origins),
})

/** Each with the options that a config gives it; several in one text are replicas of one upstream. */
const upstreamsOf = (origins: readonly string[]): Outside['upstreams'] =>
  origins.flatMap((text) => {
    const [key = '', ...replicas] = text.split(' ')
    const entry = { resource: 'https://api.example.com', replicas }
    const config = { issuers: {}, upstreams: { [key]: entry } }
    const loaded = parseConfig(JSON.stringify(config), 'audgate.yaml', { env: {} })
    assert.ok(loaded.ok)
    return loaded.config.upstreams
  })

const listen = async (t: TestContext): Promise<{ readonly origin: string; readonly accepted: () => number }> => {
  let accepted = 0
  const server = createServer((socket) => {
    accepted += 1
    socket.on('error', () => undefined).resume()
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const address = server.address()
  assert.ok(typeof address === 'object' && address !== null)
  return { origin: `http://127.0.0.1:${address.port}`, accepted: () => accepted }
}

test('check --online finds nothing to say where keys load and upstreams accept, and connects to each origin once', async (t) => {
  const server = await startKeyServer(t)
  server.set('/.well-known/oauth-authorization-server', json({ issuer: server.origin, jwks_uri: server.url('/jwks') }))
  server.set('/jwks', json({ keys: [key] }))
  const upstream = await listen(t)
  const { origin } = upstream
  assert.deepEqual(await checkOnline(configOf([issuer('main', server.origin)], [origin, origin])), [])
  assert.equal(upstream.accepted(), 1)
  assert.deepEqual(await checkOnline(configOf([])), [])
})

test('check --online names every issuer without keys and every upstream that refuses, one sentence each', async (t) => {
  const server = await startKeyServer(t)
  server.set('/broken', status(500))
  server.set('/silent', silence)
  const gone = await startKeyServer(t)
  await gone.close()
  const found = await checkOnline(
    configOf(
      [
        issuer('good', server.origin, { kind: 'jwks', jwks: { keys: [key] } }),
        issuer('discovered', server.origin),
        issuer('broken', server.origin, { kind: 'jwks_uri', url: server.url('/broken?key=s3cret') }),
        issuer('silent', server.origin, { kind: 'jwks_uri', url: server.url('/silent') }),
      ],
      [server.origin, gone.origin],
    ),
  )
  const metadata = server.url('/.well-known')
  assert.deepEqual(found, [
    `issuer discovered: no keys: ${metadata}/oauth-authorization-server: answered 404; ${metadata}/openid-configuration: answered 404`,
    `issuer broken: no keys: ${server.url('/broken')}: answered 404`,
    `issuer silent: no keys: ${server.url('/silent')}: no complete answer in time`,
    `upstream ${gone.origin}: no TCP connection: ECONNREFUSED`,
  ])
})

test('--online looks at every replica, once at each place, and at sockets too', async (t) => {
  const [first, second] = [await listen(t), await listen(t)]
  const gone = `http://127.0.0.1:${await freePort()}`
  const directory = mkdtempSync(join(tmpdir(), 'audgate-online-'))
  t.after(() => rmSync(directory, { recursive: true }))
  const socket = join(directory, 'app.sock')
  let accepted = 0
  const server = createServer((client) => {
    accepted += 1
    client.on('error', () => undefined).resume()
  })
  await new Promise<void>((resolve) => server.listen(socket, resolve))
  t.after(() => server.close())
  const found = await checkOnline(
    configOf(
      [],
      [
        `${first.origin} ${second.origin}/v1 ${gone} unix:${socket}:/v1`,
        `${second.origin}/v2 unix:${socket} unix:${socket}.gone:/v1`,
      ],
    ),
  )
  assert.deepEqual(found.toSorted(), [
    `upstream ${gone}: no TCP connection: ECONNREFUSED`,
    `upstream unix:${socket}.gone: no connection: ENOENT`,
  ])
  assert.deepEqual([first.accepted(), second.accepted(), accepted], [1, 1, 1])
})

test('--online: a store that does not answer is a fault, and its password is not shown', async () => {
  const port = await freePort()
  const url = `redis://:hunter2@127.0.0.1:${port}/0`
  const store = { kind: 'redis', url, username: undefined, passwordFile: undefined, ca: undefined } as const
  const faults = await checkOnline({ ...configOf([]), store })
  assert.equal(faults.length, 1)
  assert.match(faults[0] ?? '', new RegExp(`^store: .*127\\.0\\.0\\.1:${port}`))
  assert.doesNotMatch(faults.join(), /hunter2/)
})

test('IN-8: --online asks about no token, and says that the credentials are refused', async (t) => {
  const server = await startIntrospectionServer(t)
  const asking = (url: string): Issuer => {
    const { keys, ...rest } = issuer('main', 'https://as.test', { kind: 'jwks', jwks: { keys: [{ ...key }] } })
    const introspection = {
      endpoint: url,
      clientId: 'gateway',
      auth: 'client_secret_basic',
      credentialFile: temporaryFile(t, 'secret', 'gateway-secret'),
      response: 'json',
      cacheMs: 0,
    } as const
    return { ...rest, keys, token: { ...rest.token, introspection } }
  }
  server.say({ active: false })
  assert.deepEqual(await checkOnline(configOf([asking(server.url)])), [])
  server.say(raw(401))
  const faults = await checkOnline(configOf([asking(server.url)]))
  assert.equal(faults.length, 1)
  assert.match(faults[0] ?? '', /^issuer main: introspection: /)
  assert.doesNotMatch(faults.join(), /gateway-secret/)
})
