import assert from 'node:assert/strict'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { createDecryptionKeys } from '../../src/keys/decryption-file.ts'
import { contentOf } from '../../src/token/jwe-content.ts'
import { createDecryptionJwk, encrypt } from '../support/encryption-keys.ts'
import { eventually } from '../support/eventually.ts'
import { createManualClock } from '../support/manual-clock.ts'

const one = createDecryptionJwk('P-256', { kid: 'one' })
const two = createDecryptionJwk('P-256', { kid: 'two' })
const jwks = (...keys: readonly object[]): string => JSON.stringify({ keys })

const folder = (t: TestContext): string => {
  const path = mkdtempSync(join(tmpdir(), 'audgate-keys-'))
  t.after(() => rmSync(path, { recursive: true }))
  return path
}

/** Decryption keys of a file, what they report, and time in the test's hands. */
const watch = (t: TestContext, file: string) => {
  const clock = createManualClock()
  const events: string[] = []
  const keys = createDecryptionKeys(
    { name: 'main', file },
    {
      clock,
      events: {
        keyDropped: (issuer, kid, why) => events.push(`dropped ${issuer} ${kid} ${why}`),
        warned: (issuer, message) => events.push(`warned ${issuer} ${message.replace(file, 'FILE')}`),
        decryptionChanged: (issuer) => events.push(`changed ${issuer}`),
      },
    },
  )
  t.after(() => keys.close())
  const kids = (): readonly string[] =>
    ['one', 'two'].filter((kid) => keys.candidates({ alg: 'ECDH-ES', enc: 'A256GCM', kid }).length > 0)
  return { keys, clock, events, kids, look: keys.reload }
}

test('keys are read at the start, by kid, and their change is a new generation', async (t) => {
  const file = join(folder(t), 'keys.json')
  writeFileSync(file, jwks(one))
  const { keys, events, kids, look } = watch(t, file)
  assert.deepEqual([kids(), keys.report()], [[], { keys: 0, lastError: undefined }])
  await keys.started
  const before = keys.generation
  assert.deepEqual([kids(), keys.report()], [['one'], { keys: 1, lastError: undefined }])

  await look()
  assert.equal(keys.generation, before)
  writeFileSync(file, jwks(one, two))
  assert.deepEqual(kids(), ['one'])
  await look()
  assert.deepEqual(kids(), ['one', 'two'])
  assert.ok(keys.generation > before)
  writeFileSync(file, jwks(two))
  await look()
  assert.deepEqual(kids(), ['two'])
  assert.deepEqual(events, ['changed main', 'changed main', 'changed main'])
})

for (const { what, content } of [
  { what: 'no JSON', content: '{"keys":[' },
  { what: 'no list of keys', content: '{"keys":{}}' },
  { what: 'nothing', content: '' },
  { what: 'no usable key', content: jwks({ ...one, d: undefined }) },
]) {
  test(`a file that becomes one with ${what} leaves the keys, is reported once, and is read when it is good again`, async (t) => {
    const file = join(folder(t), 'keys.json')
    writeFileSync(file, jwks(one))
    const { keys, clock, events, kids, look } = watch(t, file)
    await keys.started
    const before = keys.generation
    writeFileSync(file, content)
    await look()
    for (const _ of [1, 2]) {
      clock.advance(4999)
      assert.deepEqual(clock.waiting(), [1])
      clock.advance(1)
      await eventually('the next try is planned', () => clock.waiting().length === 1)
    }
    assert.deepEqual([kids(), keys.generation], [['one'], before])
    assert.equal(events.filter((event) => event.startsWith('warned main decryption keys: FILE: ')).length, 1)
    assert.notEqual(keys.report().lastError, undefined)

    writeFileSync(file, jwks(two))
    clock.advance(5000)
    await eventually('it is read', () => kids()[0] === 'two')
    assert.deepEqual([keys.report(), clock.waiting()], [{ keys: 1, lastError: undefined }, []])
    writeFileSync(file, content)
    await look()
    assert.equal(events.filter((event) => event.startsWith('warned')).length, 2)
  })
}

test('a file that is missing at the start leaves no keys until it is there', async (t) => {
  const file = join(folder(t), 'keys.json')
  const { keys, clock, events, kids } = watch(t, file)
  await keys.started
  assert.deepEqual(events, ['warned main decryption keys: FILE: cannot be read (ENOENT)'])
  assert.deepEqual(keys.report(), { keys: 0, lastError: `${file}: cannot be read (ENOENT)` })
  writeFileSync(file, jwks(one))
  clock.advance(5000)
  await eventually('it is read', () => kids().length === 1)
  assert.equal(keys.report().keys, 1)
})

test('reload reads the file at once, changed or not, and never rejects', async (t) => {
  const file = join(folder(t), 'keys.json')
  writeFileSync(file, jwks(one))
  const { keys, kids } = watch(t, file)
  await keys.started
  writeFileSync(file, jwks(two))
  await keys.reload()
  assert.deepEqual(kids(), ['two'])
  rmSync(file)
  await keys.reload()
  assert.deepEqual(kids(), ['two'])
})

test('a key may become one of another type, and decryption goes on: comparing them must not end the process (Node 26)', async (t) => {
  const file = join(folder(t), 'keys.json')
  const next = createDecryptionJwk('X25519')
  // Made before, since whatever else is done with keys may clear OpenSSL's queue.
  const token = await encrypt('text', { key: next, alg: 'ECDH-ES' })
  writeFileSync(file, jwks(createDecryptionJwk('P-256')))
  const { keys } = watch(t, file)
  await keys.started
  writeFileSync(file, jwks(next))
  await keys.reload()
  const [key] = keys.candidates({ alg: 'ECDH-ES', enc: 'A256GCM', kid: undefined })
  assert.ok(key)
  assert.equal(await contentOf(token, key), 'text')
})

test('a key that is not used is reported once with its kid, not at every look (JO-7)', async (t) => {
  const file = join(folder(t), 'keys.json')
  const weak = { ...two, use: 'sig' }
  writeFileSync(file, jwks(one, weak))
  const { keys, events } = watch(t, file)
  await keys.started
  await keys.reload()
  await keys.reload()
  assert.deepEqual(events, ['dropped main two its use is not "enc"', 'changed main'])
})

test('at most four keys are tried for a token without kid', async (t) => {
  const file = join(folder(t), 'keys.json')
  writeFileSync(file, jwks(...Array.from({ length: 6 }, () => createDecryptionJwk('P-256'))))
  const { keys } = watch(t, file)
  await keys.started
  assert.equal(keys.report().keys, 6)
  assert.equal(keys.candidates({ alg: 'ECDH-ES', enc: 'A256GCM', kid: undefined }).length, 4)
})

test('close leaves no timer, and waits for the reading under way', async (t) => {
  const file = join(folder(t), 'keys.json')
  const { keys, clock, kids } = watch(t, file)
  await keys.started
  assert.deepEqual(clock.waiting(), [5000])
  writeFileSync(file, jwks(two))
  clock.advance(5000)
  await keys.close()
  assert.deepEqual([kids(), clock.waiting()], [['two'], []])
  const missing = watch(t, join(folder(t), 'keys.json'))
  await missing.keys.close()
  assert.deepEqual(missing.clock.waiting(), [])
})
