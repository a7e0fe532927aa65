import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { basename } from 'node:path'
import { type TestContext, test } from 'node:test'
import { parse } from 'yaml'
import { parseConfig } from '../../src/config/load.ts'
import { startAudgate, temporaryFile } from '../support/audgate-process.ts'
import { certificateFiles } from '../support/certificate-files.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issue } from '../support/tls.ts'
import { at, cases, configOf, render, requireHelms, run } from './chart.ts'

/** The config with its secret files in a folder of this machine. */
const configWithSecrets = (t: TestContext, text: string): string => {
  const { path, write, identity } = certificateFiles(t)
  identity('tls', issue('api.example.com'))
  write('text', 'a-secret')
  return configOf(text).replace(/\/etc\/audgate-secrets\/\S+/g, (file) =>
    path(/\.(crt|key)$/.test(file) ? basename(file) : 'text'),
  )
}

/** Values files with a config; with `existingConfigMap` somebody else writes it. */
const configured = cases().filter((file) => !at(parse(readFileSync(file, 'utf8')), 'existingConfigMap'))

const audgate = (...args: readonly string[]) => run(process.execPath, ['--import', 'tsx', 'src/main.ts', ...args])

for (const file of configured) {
  test(`item 5: the config that ${basename(file)} renders has no problem`, async (t) => {
    const [helm] = requireHelms(t)
    if (!helm) return
    const text = await render(helm, { files: [file] })
    const env = { REDIS_URL: 'redis://redis:6379' }
    const loaded = parseConfig(configWithSecrets(t, text), '/etc/audgate/audgate.yaml', { env })
    assert.deepEqual(loaded.ok ? [] : loaded.problems, [])
  })
}

test('item 5: the default config passes `audgate check`, and a broken one does not', async (t) => {
  for (const helm of requireHelms(t)) {
    const config = configOf(await render(helm))
    const good = await audgate('check', '--config', temporaryFile(t, 'audgate.yaml', config))
    assert.equal(good.status, 0, good.stderr)
    assert.match(good.stdout, /ok, 0 issuers, 0 resources/)
    const bad = await audgate('check', '--config', temporaryFile(t, 'audgate.yaml', `${config}upstream: {}\n`))
    assert.equal(bad.status, 1)
  }
})

/** `audgate serve` with the default config, but on free ports of 127.0.0.1. */
const startDefault = async (t: TestContext, text: string) => {
  const adminPort = await freePort()
  const config = configOf(text).replace('0.0.0.0:8080', '127.0.0.1:0').replace('0.0.0.0:9090', `127.0.0.1:${adminPort}`)
  assert.ok(!config.includes('0.0.0.0'), config)
  const started = startAudgate(t, ['serve', '--config', temporaryFile(t, 'audgate.yaml', config)])
  const [, port] = await started.said(/"address":"127\.0\.0\.1:(\d+)"/)
  return { ...started, traffic: `http://127.0.0.1:${port}`, admin: `http://127.0.0.1:${adminPort}` }
}

test('operations 1.3: with default values the pod gets ready, refuses everything and says so', async (t) => {
  const [helm] = requireHelms(t)
  if (!helm) return
  const { traffic, admin, stdout } = await startDefault(t, await render(helm))
  await eventually('ready', async () => (await fetch(`${admin}/readyz`)).status === 200)
  for (const path of ['/startupz', '/livez']) assert.equal((await fetch(`${admin}${path}`)).status, 200, path)
  for (const [method, path] of [
    ['GET', '/'],
    ['POST', '/orders'],
    ['GET', '/metrics'],
    ['GET', '/livez'],
  ] as const) {
    const answer = await fetch(traffic + path, { method, headers: { authorization: 'Bearer x' } })
    assert.equal(answer.headers.get('content-type'), 'application/problem+json', path)
    assert.ok([404, 421].includes(answer.status), `${path}: ${answer.status}`)
  }
  assert.match(stdout(), /every request is refused|everything is refused/i)
})
