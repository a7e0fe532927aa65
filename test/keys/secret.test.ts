import assert from 'node:assert/strict'
import { randomBytes } from 'node:crypto'
import { rmSync, writeFileSync } from 'node:fs'
import { type TestContext, test } from 'node:test'
import type { KeySource } from '../../src/keys/key-source.ts'
import { temporaryFile } from '../support/audgate-process.ts'
import { startSource, verdict } from './remote-setup.ts'
import { allAlgorithms, publicJwk } from './test-keys.ts'

/** Bytes that do not happen to end in a newline. */
const secretOf = (length: number): Buffer => randomBytes(length).fill(0x41, length - 1)

const open = async (t: TestContext, content: Uint8Array, algorithms: readonly string[]) => {
  const file = temporaryFile(t, 'secret', '')
  writeFileSync(file, content)
  const started = startSource(t, { kind: 'secret_file', file }, { algorithms })
  await started.source.started
  return { file, ...started }
}

const bytesOf = async (source: KeySource, alg: string): Promise<Buffer> => {
  const outcome = await source.resolve({ alg, kid: 'any' }, 0)
  return outcome.ok ? outcome.value.export() : assert.fail(outcome.refusal.reason)
}

test('JO-4: the bytes of the file are the secret, whatever they are, for every HMAC of the list', async (t) => {
  const secret = secretOf(64).fill(0, 0, 3)
  const { source } = await open(t, secret, ['HS256', 'HS384', 'HS512'])
  for (const alg of ['HS256', 'HS384', 'HS512']) assert.deepEqual(await bytesOf(source, alg), secret)
  const { state, keys, lastError } = source.report()
  assert.deepEqual([state, keys, lastError], ['fresh', 1, undefined])
})

test('one newline at the end is not part of the secret, and nothing else is left out', async (t) => {
  const secret = secretOf(40)
  const endings: readonly (readonly [string, number])[] = [
    ['', 0],
    ['\n', 0],
    ['\r\n', 0],
    ['\n\n', 1],
    ['\r', 1],
    [' \n', 1],
  ]
  for (const [ending, kept] of endings) {
    const content = Buffer.concat([secret, Buffer.from(ending)])
    const { source } = await open(t, content, ['HS256'])
    assert.deepEqual(await bytesOf(source, 'HS256'), content.subarray(0, 40 + kept), JSON.stringify(ending))
  }
})

const cases: readonly (readonly [string, Uint8Array, readonly string[], RegExp | undefined])[] = [
  ['32 bytes are enough for HS256', secretOf(32), ['HS256'], undefined],
  ['31 are not', secretOf(31), ['HS256'], /holds 31 bytes, and HS256 needs 32/],
  ['a newline does not count', Buffer.concat([secretOf(31), Buffer.from('\n')]), ['HS256'], /holds 31 bytes/],
  ['48 are enough for HS384', secretOf(48), ['HS384'], undefined],
  ['47 are not', secretOf(47), ['HS256', 'HS384'], /holds 47 bytes, and HS384 needs 48/],
  ['64 are enough for HS512', secretOf(64), ['HS512'], undefined],
  ['63 are not, also when another algorithm would do with them', secretOf(63), ['HS512', 'HS256'], /HS512 needs 64/],
  ['an empty file has no secret', Buffer.alloc(0), ['HS256'], /holds 0 bytes/],
  ['a shared secret is not for RS256', secretOf(64), ['HS256', 'RS256'], /shared secret, and RS256 needs a public key/],
  ['nor for none', secretOf(64), ['none'], /none needs/],
]

for (const [name, content, algorithms, fault] of cases) {
  test(`JO-4: ${name}`, async (t) => {
    const { source, file } = await open(t, content, algorithms)
    const { state, keys, lastError = '' } = source.report()
    assert.deepEqual([state, keys], fault === undefined ? ['fresh', 1] : ['cold', 0])
    assert.match(lastError, fault ?? /^$/)
    for (const alg of algorithms) {
      assert.equal(await verdict(source, undefined, alg), fault === undefined ? 'key' : 'keys_unavailable')
    }
    if (fault !== undefined) assert.ok(lastError.startsWith(`${file}: `))
  })
}

test('a file that is not there is an error state with the word of the system', async (t) => {
  const { source } = startSource(t, { kind: 'secret_file', file: '/nowhere/secret' }, { algorithms: ['HS256'] })
  await source.started
  assert.equal(source.report().lastError, '/nowhere/secret: cannot be read (ENOENT)')
  assert.equal(await verdict(source, undefined, 'HS256'), 'keys_unavailable')
})

test('JO-4: an issuer with a secret has no key for a signature, nor for an HMAC that is not in its list', async (t) => {
  const { source } = await open(t, secretOf(64), ['HS256'])
  for (const alg of [...allAlgorithms, 'HS384', 'HS512', 'none', 'hs256', '__proto__']) {
    assert.equal(await verdict(source, undefined, alg), 'key_unknown', alg)
  }
})

test('JO-9: the kid of a token says nothing: the secret has no name', async (t) => {
  const { source } = await open(t, secretOf(32), ['HS256'])
  for (const kid of [undefined, '', '1', '../../dev/null', '__proto__']) {
    assert.equal(await verdict(source, kid, 'HS256'), 'key')
  }
})

test('AS-11: reload reads the secret again: another one is another generation, the same one is not', async (t) => {
  const [first, second] = [secretOf(32), secretOf(32)]
  const { source, file, events } = await open(t, first, ['HS256'])
  const { generation } = source
  writeFileSync(file, Buffer.concat([first, Buffer.from('\n')]))
  await source.reload()
  assert.equal(source.generation, generation)
  writeFileSync(file, second)
  await source.reload()
  assert.notEqual(source.generation, generation)
  assert.deepEqual(await bytesOf(source, 'HS256'), second)
  assert.equal(events.reports.length, 3)
})

test('a secret that cannot be read any more, or became too short, leaves the one before, and says so', async (t) => {
  const secret = secretOf(32)
  const { source, file } = await open(t, secret, ['HS256'])
  const { generation } = source
  writeFileSync(file, secret.subarray(1))
  await source.reload()
  assert.match(source.report().lastError ?? '', /31 bytes/)
  rmSync(file)
  await source.reload()
  assert.match(source.report().lastError ?? '', /ENOENT/)
  assert.deepEqual([source.generation, source.state, await bytesOf(source, 'HS256')], [generation, 'fresh', secret])
  writeFileSync(file, secret)
  await source.reload()
  assert.equal(source.report().lastError, undefined)
})

test('nothing that is reported has the secret in it', async (t) => {
  const secret = Buffer.from(`canary${'x'.repeat(40)}`)
  const { source, file, events } = await open(t, secret, ['HS256'])
  writeFileSync(file, secret.subarray(0, 20))
  await source.reload()
  const told = JSON.stringify([source.report(), events, await source.resolve({ alg: 'RS256', kid: undefined }, 0)])
  assert.ok(!told.includes('canary') && !told.includes(secret.toString('base64').slice(0, 8)))
})

test('JO-4: an issuer with a key set has no key for HS256, even if its algorithms said so', async (t) => {
  const k = secretOf(64).toString('base64url')
  const [ec, rsa] = [await publicJwk('ES256', { kid: 'e' }), await publicJwk('RS256', { kid: 'r' })]
  const oct = { kty: 'oct', k, kid: 'o', alg: 'HS256', use: 'sig' }
  const algorithms = ['HS256', 'HS384', 'HS512', 'ES256', 'RS256']
  const { source, events } = startSource(t, { kind: 'jwks', jwks: { keys: [oct, ec, rsa] } }, { algorithms })
  await source.started
  assert.deepEqual(events.dropped, ['o: it is a symmetric key, and a key set is public: never used (JO-4)'])
  for (const alg of ['HS256', 'HS384', 'HS512']) {
    for (const kid of ['o', 'e', 'r', undefined]) assert.equal(await verdict(source, kid, alg), 'key_unknown')
  }
  assert.equal(await verdict(source, 'e', 'ES256'), 'key')
  const alone = startSource(t, { kind: 'jwks', jwks: { keys: [oct] } }, { algorithms })
  await alone.source.started
  assert.equal(await verdict(alone.source, 'o', 'HS256'), 'keys_unavailable')
})
