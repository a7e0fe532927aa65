import assert from 'node:assert/strict'
import { readFileSync } from 'node:fs'
import { test } from 'node:test'
import { createGateway } from '../../src/gateway.ts'
import { systemClock } from '../../src/keys/clock.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { configOf } from '../support/gateway.ts'
import { issuerYaml } from '../support/orders.ts'
import { startUpstream } from '../support/upstream.ts'

test('OP-3: a request that `drain` cuts is logged as broken off, not as an answer of the upstream', async (t) => {
  const upstream = await startUpstream(t, (request) => request.resume())
  const log = temporaryFile(t, 'log.jsonl', '')
  const config = configOf(`listen: { address: "127.0.0.1:0", timeouts: { drain: 50ms } }
admin: false
${issuerYaml()}upstreams: { ${JSON.stringify(upstream.url)}: { resource: https://api.test/x, at: /, routes: { '/**': public } } }
`)
  const gateway = createGateway(config, { logTarget: log, clock: systemClock })
  const { address } = await gateway.listen()
  const cut = fetch(`http://127.0.0.1:${address.port}/1`).catch(() => 'cut')
  await eventually('it is under way', () => upstream.connections() === 1)
  assert.equal(await gateway.close(0), 1)
  assert.equal(await cut, 'cut')
  const lines = readFileSync(log, 'utf8')
    .trim()
    .split('\n')
    .map((line) => JSON.parse(line))
  const [request] = lines.filter(({ msg }) => msg === 'request')
  assert.deepEqual([request.status, request.reason, request.detail], [0, 'none', 'broken off by the shutdown'])
  assert.ok(lines.some(({ msg }) => msg === 'draining'))
})
