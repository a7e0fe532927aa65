import assert from 'node:assert/strict'
import { unlinkSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml, liveToken, ORDERS } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

/** A process whose config file can be another at any time. */
const start = async (t: TestContext) => {
  const upstream = await startUpstream(t, (_request, response) => response.end('ok'))
  const adminPort = await freePort()
  const yaml = (at: string, more = '') =>
    `listen: 127.0.0.1:0\nadmin: 127.0.0.1:${adminPort}\n${more}${issuerYaml()}upstreams: { '${upstream.url}': { resource: ${ORDERS}, at: ${at} } }\n`
  const file = temporaryFile(t, 'audgate.yaml', yaml('/orders'))
  const audgate = startAudgate(t, ['serve', '--config', file])
  const [, port] = await audgate.said(/"address":"127\.0\.0\.1:(\d+)"/)
  const ask = async (path: string): Promise<number> => {
    const headers = { authorization: `Bearer ${liveToken()}` }
    return (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status
  }
  const admin = async (path: string) => {
    const answer = await fetch(`http://127.0.0.1:${adminPort}${path}`)
    return `${answer.status} ${await answer.text()}`
  }
  const successful = async () => /^audgate_config_last_reload_successful (\d)$/m.exec(await admin('/metrics'))?.[1]
  const hash = async () => /^audgate_config_info\{hash="(\w+)"\} 1$/m.exec(await admin('/metrics'))?.[1]
  return { ...audgate, file, yaml, write: (text: string) => writeFileSync(file, text), ask, admin, successful, hash }
}

test('operations 4.5: a broken config is told with every problem and a gauge, the old one serves on, and a good one heals it', async (t) => {
  const { write, yaml, ask, admin, successful, hash, said, stdout, file } = await start(t)
  const before = await hash()
  assert.equal(await successful(), '1')
  write(`${yaml('/moved')}upstream: {}\nlog: { level: loud }\n`)
  await eventually('the gauge is 0', async () => (await successful()) === '0')
  assert.equal(await ask('/orders/1'), 200)
  assert.equal(await ask('/moved/1'), 404)
  assert.equal(await hash(), before)
  assert.match(await admin('/readyz'), /^200 /)
  await said(/"msg":"config not reloaded: the one before goes on"/)
  const told = stdout()
    .split('\n')
    .filter((line) => line.includes('"level":"error"'))
    .map((line) => JSON.parse(line))
  assert.deepEqual(
    told.map(({ file: named, line, column }) => [named, line, column]),
    [
      [file, 5, 1],
      [file, 6, 15],
      [undefined, undefined, undefined],
    ],
  )
  write(yaml('/moved'))
  await eventually('the gauge is 1', async () => (await successful()) === '1')
  assert.equal(await ask('/moved/1'), 200)
  assert.equal(await ask('/orders/1'), 404)
  assert.notEqual(await hash(), before)
})

test('a config that is gone ends nothing, by SIGHUP neither, and SIGTERM still does', async (t) => {
  const { file, ask, successful, child, said, ended } = await start(t)
  unlinkSync(file)
  child.kill('SIGHUP')
  await said(/the config file does not exist/)
  await said(/keys loaded again/)
  await eventually('the gauge is 0', async () => (await successful()) === '0')
  assert.equal(await ask('/orders/1'), 200)
  child.kill('SIGTERM')
  assert.equal(await ended, 0)
})

test('operations 4.5: what takes a restart is kept and named in a warning, and the rest of the config is taken', async (t) => {
  const { write, yaml, ask, admin, said, stdout } = await start(t)
  const other = await freePort()
  write(
    yaml('/moved', 'log: { level: warn }\nstore: redis://127.0.0.1:9\n')
      .replace('listen: 127.0.0.1:0', `listen: { address: "127.0.0.1:${other}", limits: { connections: 1 } }`)
      .replace(/^admin: .*$/m, 'admin: false'),
  )
  await said(/"msg":"config reloaded"/)
  const kept = [...stdout().matchAll(/"level":"warn".*"key":"([^"]+)","msg":"another value takes a restart/g)]
  assert.deepEqual(
    kept.map(([, key]) => key),
    ['listen.address', 'listen.limits.connections', 'admin', 'log.level', 'store'],
  )
  assert.equal(await ask('/moved/1'), 200)
  assert.match(await admin('/config'), /"kind": "memory"/)
  await assert.rejects(fetch(`http://127.0.0.1:${other}/`))
})

test('a reload is for a process that serves: one that drains takes none', async (t) => {
  const { write, yaml, child, ask, admin, said, stdout, ended } = await start(t)
  write(
    yaml('/orders').replace('listen: 127.0.0.1:0', 'listen: { address: "127.0.0.1:0", timeouts: { drain_delay: 3s } }'),
  )
  await eventually('the delay is longer', async () => (await admin('/config')).includes('"drainDelayMs": 3000'))
  await said(/"msg":"config reloaded"/)
  child.kill('SIGTERM')
  await eventually('it drains', async () => (await admin('/readyz')).startsWith('503'))
  const before = stdout().split('config reloaded').length
  write(yaml('/moved'))
  child.kill('SIGHUP')
  assert.equal(await ask('/orders/1'), 200)
  assert.equal(await ended, 0)
  assert.equal(stdout().split('config reloaded').length, before)
})
