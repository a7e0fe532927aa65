import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { setTimeout as delay } from 'node:timers/promises'
import { certificate, rsaCertificate, tls } from '../keys/tls.ts'
import { eventually } from '../support/eventually.ts'
import { connectionsOf, startRedis, type TestRedis } from '../support/redis.ts'
import { startRedisStore } from './redis-setup.ts'

const noted = { ok: true, value: true }

test('a wrong password is a fault that names no password and no user, and so is none', async (t) => {
  const redis = await startRedis(t, '--requirepass', 'canary-right')
  if (redis === undefined) return
  for (const [userinfo, fault] of [
    ['canary-user:canary-wrong@', 'it answered WRONGPASS'],
    [':canary-wrong@', 'it answered WRONGPASS'],
    ['', 'it answered NOAUTH'],
  ] as const) {
    const { store, events, lost } = startRedisStore(t, `redis://${userinfo}127.0.0.1:${redis.port}/0`)
    assert.equal(await store.fault(), `127.0.0.1:${redis.port}: ${fault}`)
    await lost()
    assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false })
    assert.deepEqual(events.connections, [`lost 127.0.0.1:${redis.port}: ${fault}`])
  }
})

test('a user of an ACL needs SET, GET and PING on our keys and no more', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const rules = ['SETUSER audgate on >pa@ss ~ag:* +set +get +ping', 'SETUSER default off']
  assert.equal(await redis.tell(...rules.map((rule) => `ACL ${rule}`)), '+OK\r\n+OK')
  const url = `redis://audgate:pa%40ss@127.0.0.1:${redis.port}`
  const { store, events } = startRedisStore(t, url)
  assert.equal(await store.fault(), undefined)
  assert.deepEqual(await store.putIfAbsent('ag:a', 60_000), noted)
  assert.deepEqual(await store.set('ag:b', 'x', 60_000), { ok: true, value: undefined })
  assert.deepEqual(await store.get('ag:b'), { ok: true, value: 'x' })
  // Redis names the user in this answer; nobody is shown it.
  assert.deepEqual(await store.get('other'), { ok: false })
  assert.equal(events.operations.at(-1), 'get error')
  assert.equal(events.connections.length, 1)
  assert.deepEqual(events.refusals, [`get 127.0.0.1:${redis.port}: it answered NOPERM`])
})

test('a user of an ACL without our keys is a fault, and told once for each operation', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  await redis.tell('ACL SETUSER canary on >pw ~other:* +set +get +ping')
  const { store, events } = startRedisStore(t, `redis://canary:pw@127.0.0.1:${redis.port}`)
  const fault = `127.0.0.1:${redis.port}: it answered NOPERM`
  assert.equal(await store.fault(), `${fault} to a write`)
  for (let call = 0; call < 3; call++) {
    assert.deepEqual(await store.putIfAbsent('ag:a', 60_000), { ok: false })
    assert.deepEqual(await store.get('ag:b'), { ok: false })
  }
  assert.deepEqual(events.refusals, [`put_if_absent ${fault}`, `get ${fault}`])
  assert.deepEqual(events.connections, [`connected 127.0.0.1:${redis.port}`], 'it is there')
})

test('a password file is read at every connection: a wrong one, a missing one and a new one need no restart', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  await redis.tell('ACL SETUSER audgate on >canary-one ~* +@all')
  const folder = mkdtempSync(join(tmpdir(), 'audgate-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const passwordFile = join(folder, 'password')
  const { store, events } = startRedisStore(t, redis.url, { username: 'audgate', passwordFile })
  const where = `127.0.0.1:${redis.port}`
  const comes = (fault: string | undefined) =>
    eventually(`the fault is ${fault}`, async () => (await store.fault()) === fault)
  await comes(`${where}: ${passwordFile}: cannot be read (ENOENT)`)
  writeFileSync(passwordFile, '\n')
  await comes(`${where}: ${passwordFile}: is empty`)
  writeFileSync(passwordFile, 'canary-two')
  await comes(`${where}: it answered WRONGPASS`)
  writeFileSync(passwordFile, 'canary-one\n')
  await comes(undefined)
  // Rotated at the server, which also cuts the connection.
  await redis.tell('ACL SETUSER audgate resetpass >canary-two', 'CLIENT KILL USER audgate')
  await comes(`${where}: it answered WRONGPASS`)
  writeFileSync(passwordFile, 'canary-two\r\n')
  await comes(undefined)
  assert.doesNotMatch(events.connections.join(), /canary/)
})

test('a database of the URL keeps its keys to itself', async (t) => {
  const redis = await startRedis(t)
  if (redis === undefined) return
  const [zero, three] = [0, 3].map(
    (database) => startRedisStore(t, `redis://127.0.0.1:${redis.port}/${database}`).store,
  )
  assert.ok(zero !== undefined && three !== undefined)
  assert.deepEqual([await zero.fault(), await three.fault()], [undefined, undefined])
  assert.deepEqual(await zero.putIfAbsent('a', 60_000), noted)
  assert.deepEqual(await three.putIfAbsent('a', 60_000), noted)
  assert.equal(await redis.tell('SELECT 3', 'EXISTS a'), '+OK\r\n:1')
})

/** A Redis that speaks TLS with the test certificate, which is for 127.0.0.1 and localhost; undefined: skipped. */
const startTls = async (t: TestContext): Promise<TestRedis | undefined> => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-tls-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const files = { cert: join(folder, 'cert.pem'), key: join(folder, 'key.pem') }
  writeFileSync(files.cert, tls.cert)
  writeFileSync(files.key, tls.key)
  const certificateArgs = ['--tls-cert-file', files.cert, '--tls-key-file', files.key, '--tls-auth-clients', 'no']
  return startRedis(t, '--bind', '127.0.0.1', '127.0.0.2', '--tls-port', 'TLS_PORT', ...certificateArgs)
}

test('rediss:// is TLS, and the CA of the config is the only one that counts', async (t) => {
  const redis = await startTls(t)
  if (redis === undefined) return
  for (const host of ['127.0.0.1', 'localhost']) {
    const { store } = startRedisStore(t, `rediss://${host}:${redis.tlsPort}`, { ca: certificate })
    assert.equal(await store.fault(), undefined)
    assert.deepEqual(await store.putIfAbsent(`tls ${host}`, 60_000), noted)
  }
})

test('rediss:// with another CA, none, or a certificate for somebody else is refused, whatever the environment says', async (t) => {
  const redis = await startTls(t)
  if (redis === undefined) return
  const before = process.env.NODE_TLS_REJECT_UNAUTHORIZED
  process.env.NODE_TLS_REJECT_UNAUTHORIZED = '0'
  t.after(() => {
    if (before === undefined) delete process.env.NODE_TLS_REJECT_UNAUTHORIZED
    else process.env.NODE_TLS_REJECT_UNAUTHORIZED = before
  })
  for (const [host, ca, fault] of [
    ['127.0.0.1', rsaCertificate, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['127.0.0.1', undefined, 'DEPTH_ZERO_SELF_SIGNED_CERT'],
    ['127.0.0.2', certificate, 'ERR_TLS_CERT_ALTNAME_INVALID'],
  ] as const) {
    const { store } = startRedisStore(t, `rediss://${host}:${redis.tlsPort}`, { ca })
    assert.equal(await store.fault(), `${host}:${redis.tlsPort}: ${fault}`)
    assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false })
  }
})

test('rediss:// to a port without TLS, and redis:// to one with it, is a fault and no wait', async (t) => {
  const redis = await startTls(t)
  if (redis === undefined) return
  for (const url of [`rediss://127.0.0.1:${redis.port}`, `redis://127.0.0.1:${redis.tlsPort}`]) {
    const { store } = startRedisStore(t, url, { ca: certificate })
    assert.match((await store.fault()) ?? '', /^127\.0\.0\.1:\d+: /)
    assert.deepEqual(store.putIfAbsent('a', 60_000), { ok: false })
  }
})

/** A Redis whose only user is `audgate` with the password `canary-one`, and the name of a file in a folder of its own. */
const startWithPassword = async (t: TestContext) => {
  const redis = await startRedis(t)
  if (redis === undefined) return undefined
  await redis.tell('ACL SETUSER audgate on >canary-one ~* +@all')
  const folder = mkdtempSync(join(tmpdir(), 'audgate-store-'))
  t.after(() => rmSync(folder, { recursive: true }))
  return { redis, passwordFile: join(folder, 'password') }
}

test('a pipe in place of the password file holds no thread, and close does not wait for it', async (t) => {
  const stage = await startWithPassword(t)
  if (stage === undefined) return
  const { redis, passwordFile } = stage
  execFileSync('mkfifo', [passwordFile])
  const { store } = startRedisStore(t, redis.url, { username: 'audgate', passwordFile })
  assert.equal(await store.fault(), `127.0.0.1:${redis.port}: ${passwordFile}: is not a regular file`)
  // Each look is a connection of its own.
  let looks = 0
  const before = await connectionsOf(redis)
  await eventually(
    'more attempts than the pool has threads',
    async () => (await connectionsOf(redis)) - before - ++looks > 5,
    10_000,
  )
  const read = await Promise.race([readFile(import.meta.filename), delay(2000, 'no thread is free', { ref: false })])
  assert.notEqual(read, 'no thread is free')
  await store.close()
  assert.equal(await store.fault(), 'it is closed')
})

test('a password file that is a directory or larger than 64 KiB is a fault, one of 64 KiB is not', async (t) => {
  const stage = await startWithPassword(t)
  if (stage === undefined) return
  const { redis, passwordFile } = stage
  const where = `127.0.0.1:${redis.port}`
  const faultOf = (file: string) =>
    startRedisStore(t, redis.url, { username: 'audgate', passwordFile: file }).store.fault()
  assert.equal(await faultOf(dirname(passwordFile)), `${where}: ${dirname(passwordFile)}: is not a regular file`)
  writeFileSync(passwordFile, 'x'.repeat(65_537))
  assert.equal(await faultOf(passwordFile), `${where}: ${passwordFile}: is too large (more than 64 KiB)`)
  writeFileSync(passwordFile, 'x'.repeat(65_536))
  assert.equal(await faultOf(passwordFile), `${where}: it answered WRONGPASS`)
})
