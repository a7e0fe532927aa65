import assert from 'node:assert/strict'
import { writeFileSync } from 'node:fs'
import { createServer, type ServerResponse } from 'node:http'
import type { AddressInfo } from 'node:net'
import { type TestContext, test } from 'node:test'
import { systemClock } from '../../src/keys/clock.ts'
import { createKeySource } from '../../src/keys/index.ts'
import type { KeyOptions } from '../../src/keys/options.ts'
import { silentKeyEvents } from '../../src/keys/silent.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { eventually } from '../support/eventually.ts'
import { createKey } from '../support/tokens.ts'

const [first, second] = [createKey('ES256', 'one'), createKey('ES256', 'two')]
const setOf = (...keys: (typeof first)[]): string => JSON.stringify({ keys: keys.map(({ jwk }) => jwk) })

const open = async (t: TestContext, source: KeyOptions['source']) => {
  const refresh = { intervalMs: 600_000, maxStaleMs: 600_000, cooldownMs: 30_000, timeoutMs: 1000 }
  const keys = createKeySource(
    {
      name: 'main',
      issuer: 'http://127.0.0.1/',
      algorithms: ['ES256'],
      keys: { source, metadataUrl: undefined, ca: undefined, refresh, allowHttp: false },
    },
    { events: silentKeyEvents, clock: systemClock, random: Math.random },
  )
  t.after(() => keys.close())
  await keys.started
  return { keys, knows: async (kid: string) => (await keys.resolve({ alg: 'ES256', kid }, 0)).ok }
}

test('AS-11: a key that was removed from a key set ends with the next reload, whatever the cooldown', async (t) => {
  let set = setOf(first, second)
  const server = createServer((_request, response) => response.setHeader('Content-Type', 'application/json').end(set))
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const { keys, knows } = await open(t, { kind: 'jwks_uri', url: `http://127.0.0.1:${port}/` })
  assert.equal(await knows('one'), true)
  const before = keys.generation
  set = setOf(second)
  await keys.reload()
  assert.equal(await knows('one'), false)
  assert.equal(await knows('two'), true)
  assert.notEqual(keys.generation, before)
})

test('AS-11: a key file is read again on reload; the same keys keep what was proven, a broken file keeps the keys', async (t) => {
  const file = temporaryFile(t, 'jwks.json', setOf(first))
  const { keys, knows } = await open(t, { kind: 'jwks_file', file })
  const before = keys.generation
  await keys.reload()
  assert.equal(keys.generation, before)
  writeFileSync(file, setOf(second))
  await keys.reload()
  assert.equal(await knows('one'), false)
  assert.equal(await knows('two'), true)
  assert.notEqual(keys.generation, before)
  writeFileSync(file, '{ "keys": [')
  await keys.reload()
  assert.equal(await knows('two'), true)
  assert.notEqual(keys.report().lastError, undefined)
})

test('AS-11: a reload during a fetch that left before the key was removed fetches again', async (t) => {
  const asked: ServerResponse[] = []
  const server = createServer((_request, response) =>
    asked.push(response.setHeader('Content-Type', 'application/json')),
  )
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  t.after(() => server.close())
  const { port } = server.address() as AddressInfo
  const opened = open(t, { kind: 'jwks_uri', url: `http://127.0.0.1:${port}/` })
  await eventually('the first fetch', () => asked.length === 1)
  asked[0]?.end(setOf(first, second))
  const { keys, knows } = await opened
  const refresh = keys.reload()
  await eventually('the second fetch', () => asked.length === 2)
  const again = keys.reload()
  asked[1]?.end(setOf(first, second))
  await eventually('the third fetch', () => asked.length === 3)
  asked[2]?.end(setOf(second))
  await Promise.all([refresh, again])
  assert.equal(await knows('one'), false)
})
