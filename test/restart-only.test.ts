import assert from 'node:assert/strict'
import { test } from 'node:test'
import { isDeepStrictEqual } from 'node:util'
import { keepRestartOnly } from '../src/restart-only.ts'
import { certificateFiles } from './support/certificate-files.ts'
import { configOf } from './support/gateway.ts'
import { issue } from './support/tls.ts'

const rest = 'issuers: {}\nupstreams: {}\n'
const config = (sections: Readonly<Record<string, unknown>>) =>
  configOf(
    Object.entries(sections)
      .map(([key, value]) => `${key}: ${JSON.stringify(value)}\n`)
      .join('') + rest,
  )

for (const [key, before, next] of [
  ['listen.address', { listen: '127.0.0.1:1' }, { listen: '127.0.0.2:1' }],
  ['listen.address', { listen: '127.0.0.1:1' }, { listen: '127.0.0.1:2' }],
  ['listen.timeouts.header', {}, { listen: { timeouts: { header: '1s' } } }],
  ['listen.timeouts.idle', {}, { listen: { timeouts: { idle: '1s' } } }],
  ['listen.timeouts.request', {}, { listen: { timeouts: { request: '1s' } } }],
  ['listen.limits.header_size', {}, { listen: { limits: { header_size: '2KiB' } } }],
  ['listen.limits.target_size', {}, { listen: { limits: { target_size: '2KiB' } } }],
  ['listen.limits.connections', {}, { listen: { limits: { connections: 7 } } }],
  ['listen.limits.connections_per_client', {}, { listen: { limits: { connections_per_client: 7 } } }],
  ['admin', { admin: '127.0.0.1:1' }, { admin: '127.0.0.1:2' }],
  ['admin', { admin: '127.0.0.1:1' }, { admin: false }],
  ['log.level', {}, { log: { level: 'warn' } }],
  ['log.format', {}, { log: { format: 'pretty' } }],
  ['store', {}, { store: 'redis://127.0.0.1:1' }],
  ['workers', {}, { workers: 2 }],
  ['readiness', {}, { readiness: { keys: 'any' } }],
] as const) {
  test(`operations 4.5: \`${key}\` takes a restart: the old value is kept, and the key is named`, () => {
    const running = config(before)
    const { config: after, kept } = keepRestartOnly(running, config(next))
    assert.deepEqual(kept, [key])
    const { files: _files, hash: _hash, warnings: _warnings, ...meaning } = after
    const { files, hash, warnings, ...old } = running
    assert.ok(isDeepStrictEqual(meaning, old), 'nothing else is another')
    assert.ok(files && hash && warnings)
  })
}

test('what is left of `listen`, and every other section, is the new one', () => {
  const next = config({
    listen: {
      trusted_proxies: ['127.0.0.9'],
      require_https: true,
      refuse_early_data: true,
      timeouts: { body_idle: '1s', connection: '1h', drain: '9s', drain_delay: '8s' },
      limits: { token_size: '9KiB', body_size: '1MiB', requests_per_connection: 9 },
    },
    request_id: { header: 'X-Other' },
    refusals: { expose_reason: false },
    trace_context: 'restart',
    dpop: { nonces: true },
  })
  const { config: after, kept } = keepRestartOnly(config({}), next)
  assert.deepEqual(kept, [])
  assert.deepEqual(after, next)
})

test('TLS is there or not for as long as the process runs; certificate, key and CAs may be others', (t) => {
  const files = certificateFiles(t)
  const tls = (name: string, more: object = {}) =>
    config({ listen: { tls: { ...files.identity(name, issue(name)), ...more } } })
  const [plain, one, two] = [config({}), tls('one'), tls('two')]
  assert.deepEqual(keepRestartOnly(plain, one).kept, ['listen.tls'])
  assert.equal(keepRestartOnly(plain, one).config.listen.tls, undefined)
  assert.deepEqual(keepRestartOnly(one, plain).kept, ['listen.tls'])
  assert.equal(keepRestartOnly(one, plain).config.listen.tls, one.listen.tls)
  assert.deepEqual(keepRestartOnly(one, two), { config: two, kept: [] })
  const asking = tls('three', { client_certificates: 'require' })
  const { config: after, kept } = keepRestartOnly(one, asking)
  assert.deepEqual(kept, ['listen.tls.client_certificates'])
  assert.deepEqual(after.listen.tls, { ...asking.listen.tls, clientCertificates: 'ignore' })
})
