import assert from 'node:assert/strict'
import { existsSync, readFileSync } from 'node:fs'
import { basename, resolve } from 'node:path'
import { test } from 'node:test'
import { parse } from 'yaml'
import { run as check } from '../../src/commands/check.ts'
import { loadConfig } from '../../src/config/load.ts'

const folder = resolve(import.meta.dirname, '../../config')
const { services } = parse(readFileSync(resolve(folder, 'docker-compose.yaml'), 'utf8'))
const { audgate, api } = services
const env = { ISSUER: 'https://auth.example.com/oidc', RESOURCE: 'https://api.example.com/orders' }
const file = resolve(folder, basename(audgate.environment.AUDGATE_CONFIG))

test('compose: the config that it mounts passes `audgate check`', async () => {
  assert.deepEqual(audgate.volumes, ['.:/etc/audgate:ro'])
  assert.match(audgate.environment.AUDGATE_CONFIG, /^\/etc\/audgate\/[a-z]+\.yaml$/)
  let said = ''
  const say = (text: string) => {
    said += text
  }
  assert.equal(await check(['--config', file], { env, stdout: say, stderr: say }), 0, said)
  assert.doesNotMatch(said, /warning/)
  const { AUDGATE_CONFIG: _, ...variables } = audgate.environment
  assert.deepEqual(Object.keys(variables).toSorted(), Object.keys(env).toSorted())
  for (const [name, value] of Object.entries(variables)) assert.match(String(value), new RegExp(`^\\$\\{${name}:\\?`))
})

test('compose: the health check of the image asks the config that is served', () => {
  assert.equal(audgate.healthcheck, undefined)
  assert.equal(audgate.command, undefined)
})

test('compose: the API is reached through Audgate only', () => {
  const loaded = loadConfig(file, { env })
  assert.ok(loaded.ok)
  const { listen, admin, upstreams } = loaded.config
  assert.equal(api.network_mode, 'service:audgate')
  assert.equal(api.ports, undefined)
  assert.match(api.command.at(-1), /\.listen\(3000, '127\.0\.0\.1'\)$/)
  assert.deepEqual(
    upstreams.map(({ options }) => options.replicas[0]?.origin),
    ['http://127.0.0.1:3000'],
  )
  assert.deepEqual(audgate.ports, [`8080:${listen.port}`])
  assert.notEqual(admin?.port, listen.port)
})

test('compose: neither container can gain rights or write to its root, and Audgate has the time it drains in', () => {
  for (const service of [audgate, api]) {
    assert.equal(service.read_only, true)
    assert.deepEqual(service.cap_drop, ['ALL'])
    assert.deepEqual(service.security_opt, ['no-new-privileges:true'])
    assert.equal(service.privileged, undefined)
  }
  const loaded = loadConfig(file, { env })
  assert.ok(loaded.ok)
  const { drainDelayMs, drainMs } = loaded.config.listen.timeouts
  assert.ok(Number.parseInt(audgate.stop_grace_period, 10) * 1000 > drainDelayMs + drainMs)
})

test('compose: it builds the image of this repository', () => {
  assert.ok(existsSync(resolve(folder, audgate.build, 'Dockerfile')))
})
