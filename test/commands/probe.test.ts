import assert from 'node:assert/strict'
import { once } from 'node:events'
import { readdirSync } from 'node:fs'
import { createServer, type RequestListener } from 'node:http'
import { type AddressInfo, createServer as createTcpServer } from 'node:net'
import { resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { run, usage } from '../../src/commands/probe.ts'
import { readAdminAddress } from '../../src/config/admin-address.ts'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { freePort } from '../support/free-port.ts'

const probe = async (args: string[], env: Readonly<Record<string, string>> = {}) => {
  const said = { stdout: '', stderr: '' }
  const status = await run(args, {
    stdout: (text) => {
      said.stdout += text
    },
    stderr: (text) => {
      said.stderr += text
    },
    env,
  })
  return { ...said, status }
}

/** Something that listens where a config says that the admin listener is. */
const startAdmin = async (t: TestContext, host: string, answer: RequestListener): Promise<number> => {
  const server = createServer(answer).listen(0, host)
  await once(server, 'listening')
  t.after(() => {
    server.closeAllConnections()
    server.close()
  })
  return (server.address() as AddressInfo).port // it listens on TCP
}

const config = (t: TestContext, admin: string): string =>
  temporaryFile(t, 'audgate.yaml', `admin: ${admin}\nissuers: {}\nupstreams: {}\n`)

/** As the admin listener on loopback does, it takes loopback names only (`admin-origin.ts`). */
const live: RequestListener = ({ url, headers }, response) => {
  const known = /^(?:localhost|127\.0\.0\.1|\[::1\]):\d+$/.test(headers.host ?? '')
  response.writeHead(known && url === '/livez' ? 200 : 404).end('ok\n')
}

for (const [host, written] of [
  ['127.0.0.1', '127.0.0.1:PORT'],
  ['127.0.0.1', '0.0.0.0:PORT'],
  ['127.0.0.1', ':PORT'],
  ['127.0.0.1', 'PORT'],
  ['127.0.0.1', 'localhost:PORT'],
  ['::1', '"[::]:PORT"'],
  ['::1', '"[0:0::0]:PORT"'],
  ['::1', '"[::1]:PORT"'],
] as const) {
  test(`contract 5: probe asks /livez where \`admin: ${written}\` can be reached, and is silent when it answers`, async (t) => {
    const port = await startAdmin(t, host, live)
    const file = config(t, written.replace('PORT', String(port)))
    assert.deepEqual(await probe(['--config', file]), { stdout: '', stderr: '', status: 0 })
  })
}

test('probe: the environment is put into `admin` as `serve` does it', async (t) => {
  const port = await startAdmin(t, '127.0.0.1', live)
  const file = config(t, '${ADMIN:-127.0.0.1:1}')
  assert.equal((await probe(['--config', file], { ADMIN: `127.0.0.1:${port}` })).status, 0)
  assert.equal((await probe(['--config', file], { ADMIN: String(port) })).status, 0)
  assert.match(
    (await probe(['--config', file])).stderr,
    /^audgate probe: http:\/\/127\.0\.0\.1:1\/livez fails: ECONNREFUSED\n$/,
  )
  assert.match((await probe(['--config', file], { ADMIN: 'false' })).stderr, /`admin` is false/)
})

test('probe: AUDGATE_CONFIG names the config where no option does', async (t) => {
  const port = await startAdmin(t, '127.0.0.1', live)
  assert.equal((await probe([], { AUDGATE_CONFIG: config(t, `127.0.0.1:${port}`) })).status, 0)
})

test('probe: another answer than 200 is status 1, and is said', async (t) => {
  const port = await startAdmin(t, '127.0.0.1', (_, response) => response.writeHead(503).end())
  const { stderr, status } = await probe(['--config', config(t, `127.0.0.1:${port}`)])
  assert.deepEqual([stderr, status], [`audgate probe: http://127.0.0.1:${port}/livez answers 503\n`, 1])
})

test('probe: a redirect is no answer, and is not followed', async (t) => {
  let asked = 0
  const port = await startAdmin(t, '127.0.0.1', (_, response) => {
    asked++
    response.writeHead(302, { location: '/livez' }).end()
  })
  assert.equal((await probe(['--config', config(t, `127.0.0.1:${port}`)])).status, 1)
  assert.equal(asked, 1)
})

test('probe: an event loop that does not answer is status 1 after 2 s', async (t) => {
  const silent = createTcpServer((socket) => t.after(() => socket.destroy())).listen(0, '127.0.0.1')
  await once(silent, 'listening')
  t.after(() => silent.close())
  const { port } = silent.address() as AddressInfo // it listens on TCP
  const start = performance.now()
  const { stderr, status } = await probe(['--config', config(t, `127.0.0.1:${port}`)])
  assert.deepEqual([stderr, status], [`audgate probe: http://127.0.0.1:${port}/livez does not answer in 2 s\n`, 1])
  assert.ok(performance.now() - start > 1900)
})

test('probe: an answer without an end is an answer, and is not waited for', async (t) => {
  const port = await startAdmin(t, '127.0.0.1', (_, response) => response.writeHead(200).write('o'))
  assert.equal((await probe(['--config', config(t, `127.0.0.1:${port}`)])).status, 0)
})

for (const [what, text, expected] of [
  [
    'no admin listener',
    'admin: false\nissuers: {}\nupstreams: {}\n',
    /there is no admin listener to ask: `admin` is false/,
  ],
  ['port 0', 'admin: 127.0.0.1:0\n', /port 0/],
  ['no address', 'admin: yes\n', /`admin` is no address/],
  ['nothing behind the key', 'admin:\nissuers: {}\n', /`admin` is no address/],
  ['true', 'admin: true\n', /`admin` is no address/],
  ['a port that is none', 'admin: 65536\n', /`admin` is no address/],
  ['the key twice', 'admin: 1\nadmin: 2\n', /is not valid/],
  ['a variable that is not set', 'admin: ${SECRET_HOST}\n', /is not valid/],
  ['no YAML', 'admin: "x\n', /is not valid/],
  ['a list', '- admin: 9090\n', /is not valid/],
] as const) {
  test(`probe: a config with ${what} is status 1 with a plain reason, and quotes nothing of the file`, async (t) => {
    const file = temporaryFile(t, 'audgate.yaml', text)
    const { stdout, stderr, status } = await probe(['--config', file])
    assert.deepEqual([stdout, status], ['', 1])
    assert.match(stderr, expected)
    assert.doesNotMatch(stderr, /yes|65536|SECRET_HOST/)
  })
}

test('probe: a config that is missing is status 1', async () => {
  const { stderr, status } = await probe(['--config', '/nowhere/audgate.yaml'])
  assert.deepEqual([stderr, status], ['audgate probe: /nowhere/audgate.yaml: the config file does not exist\n', 1])
})

for (const args of [['extra'], ['--online'], ['--config'], ['--format', 'json']]) {
  test(`probe ${args.join(' ')} is wrong usage: status 2`, async () => {
    const { stderr, status } = await probe(args, { AUDGATE_CONFIG: '/nowhere/audgate.yaml' })
    assert.equal(status, 2)
    assert.ok(stderr.endsWith(`${usage}\n`), stderr)
  })
}

const golden = resolve(import.meta.dirname, '../golden/config')
const env = { PROFILE: 'orders', ISSUER: 'https://as.test/x', RESOURCE: 'https://api.test/x' }

for (const name of readdirSync(golden).filter((file) => /^(?:good|warn)-.*\.yaml$/.test(file))) {
  test(`probe finds the admin listener of ${name} where \`serve\` puts it`, () => {
    const file = resolve(golden, name)
    const loaded = loadConfig(file, { env })
    if (!loaded.ok) return assert.equal(loaded.problems[0]?.message.includes('not set in the environment'), true)
    const found = readAdminAddress(file, { env })
    assert.deepEqual(found.ok ? found.address : undefined, loaded.config.admin)
  })
}

for (const text of [
  'issuers: {}\nupstreams: {}\n',
  'issuers: {}\nupstreams: {}\nadmin: 127.0.0.1:7001',
  'issuers: {}\r\nadmin: 127.0.0.1:7001 # a comment\r\n\r\nupstreams: {}\r\n',
  '---\nissuers: {}\nupstreams: {}\nadmin: 127.0.0.1:7001\n',
  '"admin": 127.0.0.1:7001\nissuers: {}\nupstreams: {}\n',
  'admin : 127.0.0.1:7001\nissuers: {}\nupstreams: {}\n',
  '? admin\n: 127.0.0.1:7001\nissuers: {}\nupstreams: {}\n',
  '# first\n\n  # second\nadmin:\n  # behind its key\n\n  127.0.0.1:7001\n# and a comment\nissuers: {}\nupstreams: {}\n',
  '# first\n issuers: {}\n admin: 127.0.0.1:7001\n upstreams: {}\n',
  'issuers: {}\n# a comment in the first column\n  # and one that is not\nadmin: 127.0.0.1:7001\nupstreams: {}\n',
  'admin:\n  "127.0.0.1:\\\n  7001"\nissuers: {}\nupstreams: {}\n',
  '{ issuers: {},\nadmin: 127.0.0.1:7001,\nupstreams: {} }\n',
  ' issuers: {}\n admin: 127.0.0.1:7001\n upstreams: {}\n',
  'issuers: {}\nupstreams:\n  "http://127.0.0.1:1": { name: admin, resource: "https://a.test/admin:x", at: / }\n',
  'issuers: {}\nupstreams:\n  http://127.0.0.1:1:\n    resource: https://a.test/x\n    metadata: { resource_name: "\n      admin: 127.0.0.1:1" }\n',
  'listen: &where 127.0.0.1:7001\nadmin: *where\nissuers: {}\nupstreams: {}\n',
  '\uFEFFadmin: 0x1b59\nissuers: {}\nupstreams: {}\n',
]) {
  test(`probe reads \`admin\` as the whole config is read: ${JSON.stringify(text.slice(0, 60))}`, () => {
    const loaded = parseConfig(text, 'audgate.yaml', { env: {} })
    assert.deepEqual(loaded.ok ? [] : loaded.problems, [])
    const found = readAdminAddress('audgate.yaml', {
      env: {},
      readFile: () => ({ ok: true, bytes: Buffer.from(text) }),
    })
    assert.deepEqual(found.ok ? found.address : found.fault, loaded.ok && loaded.config.admin)
  })
}

test('probe parses nothing of a config but `admin`: ten thousand upstreams cost it nothing', () => {
  const upstreams = Array.from({ length: 10_000 }, (_, at) => `  http://127.0.0.1:${at + 1}: { : broken\n`).join('')
  const text = `issuers: {}\nadmin: 127.0.0.1:7001\nupstreams:\n${upstreams}`
  const found = readAdminAddress('audgate.yaml', { env: {}, readFile: () => ({ ok: true, bytes: Buffer.from(text) }) })
  assert.deepEqual(found, { ok: true, address: { host: '127.0.0.1', port: 7001 } })
})

test('OP-4: probe of a gateway that runs is status 0, and 1 when it is gone', async (t) => {
  const file = config(t, `127.0.0.1:${await freePort()}`)
  const quiet = temporaryFile(
    t,
    'audgate.yaml',
    `listen: 127.0.0.1:0\nadmin: ${await freePort()}\nissuers: {}\nupstreams: {}\n`,
  )
  assert.equal((await probe(['--config', file])).status, 1)
  const serving = startAudgate(t, ['serve', '--config', quiet])
  await serving.said(/"msg":"listening"/)
  const asking = startAudgate(t, ['probe', '--config', quiet])
  assert.equal(await asking.ended, 0)
  assert.equal(asking.stdout() + asking.stderr(), '')
  serving.child.kill('SIGTERM')
  assert.equal(await serving.ended, 0)
  assert.equal((await probe(['--config', quiet])).status, 1)
})
