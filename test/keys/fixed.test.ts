import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { startSource, verdict } from './remote-setup.ts'
import { publicJwk } from './test-keys.ts'
import { certificate, rsaCertificate } from './tls.ts'

const key = await publicJwk('ES256', { kid: '1' })

const fileWith = async (t: TestContext, content: string): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'audgate-keys-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'keys')
  await writeFile(file, content)
  return file
}

const pem = (type: 'ec' | 'rsa', kind: 'public' | 'private' = 'public'): string => {
  const pair =
    type === 'ec'
      ? generateKeyPairSync('ec', { namedCurve: 'P-256' })
      : generateKeyPairSync('rsa', { modulusLength: 2048 })
  return kind === 'public'
    ? pair.publicKey.export({ format: 'pem', type: 'spki' }).toString()
    : pair.privateKey.export({ format: 'pem', type: 'pkcs8' }).toString()
}

const ec = pem('ec')

const pems: readonly (readonly [string, string, readonly string[] | RegExp])[] = [
  ['an SPKI key', ec, ['ES256']],
  ['the key of a certificate', certificate, ['ES256']],
  ['the RSA key of a certificate', rsaCertificate, ['RS256']],
  ['text around the block', `subject=x\n\n${ec}\nthe end`, ['ES256']],
  ['an EC and an RSA key', ec + rsaCertificate, ['ES256', 'RS256']],
  ['AS-13: two EC keys, of which none is tried', ec + pem('ec'), []],
  ['a private key', pem('ec', 'private'), /private key/],
  ['a public key with its private one', ec + pem('ec', 'private'), /private key/],
  ['a certificate request', ec.replaceAll('PUBLIC KEY', 'CERTIFICATE REQUEST'), /CERTIFICATE REQUEST block/],
  ['a broken block', ec.replace(/\n.{20}/, '\n'), /PUBLIC KEY block/],
  ['no block', 'hello', /no PEM block/],
  ['an empty file', '', /no PEM block/],
  ['JO-8: an RSA key that is too short', shortRsa(), /1024 bits/],
]

function shortRsa(): string {
  const { publicKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
  return publicKey.export({ format: 'pem', type: 'spki' }).toString()
}

for (const [name, content, expected] of pems) {
  test(`pem_file with ${name}`, async (t) => {
    const file = await fileWith(t, content)
    const { source } = startSource(t, { kind: 'pem_file', file })
    await source.started
    if (expected instanceof RegExp) {
      assert.match(source.report().lastError ?? '', expected)
      assert.deepEqual([source.state, await verdict(source, '1')], ['cold', 'keys_unavailable'])
      return
    }
    const fitting: string[] = []
    for (const alg of ['ES256', 'RS256']) {
      // A PEM key has no name, so any kid does; HS256 with the PEM as secret is what JO-4 is about.
      const verdicts = [await verdict(source, 'any', alg), await verdict(source, undefined, alg)]
      if (verdicts.every((each) => each === 'key')) fitting.push(alg)
    }
    assert.deepEqual([source.state, fitting], ['fresh', expected])
    assert.equal(await verdict(source, undefined, 'HS256'), 'key_unknown')
  })
}

const files: readonly (readonly [string, string, RegExp])[] = [
  ['half a set', '{"keys":', /not a JSON object/],
  ['a list', JSON.stringify([key]), /not a JSON object/],
  ['one key without a set', JSON.stringify(key), /list of keys/],
  ['an empty set', '{"keys":[]}', /no usable key/],
  ['a symmetric key only', '{"keys":[{"kty":"oct","k":"AAAA"}]}', /no usable key; \(no kid\): it is a symmetric/],
]

for (const [name, content, message] of files) {
  test(`jwks_file with ${name} is an error state and not an exception`, async (t) => {
    const file = await fileWith(t, content)
    const { source, events } = startSource(t, { kind: 'jwks_file', file })
    await source.started
    assert.match(source.report().lastError ?? '', message)
    assert.deepEqual([source.state, source.generation, await verdict(source, '1')], ['cold', 0, 'keys_unavailable'])
    assert.deepEqual(events.fetches, [])
  })
}

for (const kind of ['jwks_file', 'pem_file'] as const) {
  test(`${kind} that is not there is an error state with the word of the system`, async (t) => {
    const { source } = startSource(t, { kind, file: '/nowhere/keys' })
    await source.started
    assert.deepEqual(source.report().lastError, '/nowhere/keys: cannot be read (ENOENT)')
  })
}

test('JO-7: a bad key in a file does not spoil the good one, and is reported', async (t) => {
  const file = await fileWith(t, JSON.stringify({ keys: [{ kty: 'oct', kid: '0' }, key] }))
  const { source, events } = startSource(t, { kind: 'jwks_file', file })
  await source.started
  assert.equal(await verdict(source, '1'), 'key')
  assert.deepEqual(events.dropped.length, 1)
})
