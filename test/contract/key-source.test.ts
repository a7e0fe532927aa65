import { createPublicKey, randomBytes } from 'node:crypto'
import { mkdtemp, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import type { TestContext } from 'node:test'
import { json, startKeyServer, status } from '../keys/key-server.ts'
import { startSource } from '../keys/remote-setup.ts'
import { publicJwk } from '../keys/test-keys.ts'
import { keySourceContract } from './key-source.ts'

const key = await publicJwk('ES256', { kid: '1' })

const fileWith = async (t: TestContext, content: string | Uint8Array): Promise<string> => {
  const folder = await mkdtemp(join(tmpdir(), 'audgate-keys-'))
  t.after(() => rm(folder, { recursive: true }))
  const file = join(folder, 'keys')
  await writeFile(file, content)
  return file
}

const jwksUri = async (t: TestContext, answer: ReturnType<typeof json>) => {
  const server = await startKeyServer(t)
  server.set('/jwks', answer)
  return startSource(t, { kind: 'jwks_uri', url: server.url('/jwks') }).source
}

keySourceContract('jwks_uri', {
  good: (t) => jwksUri(t, json({ keys: [key] })),
  broken: (t) => jwksUri(t, status(500)),
  named: true,
})

const discovery = async (t: TestContext, path: string) => {
  const server = await startKeyServer(t)
  server.set('/.well-known/openid-configuration', json({ issuer: server.origin, jwks_uri: server.url(path) }))
  server.set('/jwks', json({ keys: [key] }))
  return startSource(t, { kind: 'discovery' }, { issuer: server.origin }).source
}

keySourceContract('discovery', {
  good: (t) => discovery(t, '/jwks'),
  broken: (t) => discovery(t, '/nowhere'),
  named: true,
})

const jwksFile = async (t: TestContext, content: string) =>
  startSource(t, { kind: 'jwks_file', file: await fileWith(t, content) }).source

keySourceContract('jwks_file', {
  good: (t) => jwksFile(t, JSON.stringify({ keys: [key] })),
  broken: (t) => jwksFile(t, '{}'),
  named: true,
})

keySourceContract('jwks', {
  good: async (t) => startSource(t, { kind: 'jwks', jwks: { keys: [key] } }).source,
  broken: async (t) => startSource(t, { kind: 'jwks', jwks: { keys: [{ ...key, use: 'enc' }] } }).source,
  named: true,
})

const pem = createPublicKey({ key, format: 'jwk' }).export({ format: 'pem', type: 'spki' }).toString()

const pemFile = async (t: TestContext, content: string) =>
  startSource(t, { kind: 'pem_file', file: await fileWith(t, content) }).source

keySourceContract('pem_file', {
  good: (t) => pemFile(t, pem),
  broken: (t) => pemFile(t, pem.slice(0, 60)),
  named: false,
})

const secretFile = async (t: TestContext, bytes: number) =>
  startSource(
    t,
    { kind: 'secret_file', file: await fileWith(t, randomBytes(bytes).fill(7, bytes - 1)) },
    { algorithms: ['HS256'] },
  ).source

keySourceContract('secret_file', {
  good: (t) => secretFile(t, 32),
  broken: (t) => secretFile(t, 31),
  named: false,
  alg: 'HS256',
  type: 'secret',
})
