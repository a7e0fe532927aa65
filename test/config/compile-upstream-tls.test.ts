import assert from 'node:assert/strict'
import { generateKeyPairSync } from 'node:crypto'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { compileUpstreamTls, type UpstreamTlsInput } from '../../src/config/compile-upstream-tls.ts'
import type { ReadFile } from '../../src/config/files.ts'
import { issue } from '../support/tls.ts'

const ca = issue('ca', { ca: true })
const [own, other] = [issue('own', { by: ca }), issue('other', { by: ca })]
const { privateKey } = generateKeyPairSync('rsa', { modulusLength: 1024 })
const short = issue('short', { keyOf: { privateKey } })
const files: Readonly<Record<string, string>> = {
  'ca.crt': ca.cert,
  'own.crt': own.cert,
  'own.key': own.key,
  'other.crt': other.cert,
  'other.key': other.key,
  'short.crt': short.cert,
  'short.key': short.key,
  'half.crt': (own.cert + ca.cert).slice(0, -40),
  'half.key': own.key.slice(0, 60),
  empty: '',
}
const directory = '/etc/audgate'

const reader =
  (contents: Readonly<Record<string, string>>): ReadFile =>
  (path) => {
    const text = contents[path.slice(directory.length + 1)]
    return text === undefined ? { ok: false, fault: 'does not exist' } : { ok: true, bytes: Buffer.from(text) }
  }

const compile = (tls: UpstreamTlsInput) => {
  const problems: string[] = []
  const at = ['upstreams', 'https://up.test', 'tls']
  const value = compileUpstreamTls(tls, at, {
    directory,
    readFile: reader(files),
    report: {
      problem: (path, message, on = 'value') => problems.push(`${path.slice(at.length).join('.')} (${on}): ${message}`),
      quote: (path) => String(Reflect.get(tls, path.at(-1) ?? '')),
    },
  })
  return { value, problems }
}

test('tls of an upstream: its files are read, and their places are kept', () => {
  const whole = { ca_file: 'ca.crt', certificate: 'own.crt', key: 'own.key', server_name: 'up.test' }
  assert.deepEqual(compile(whole), {
    problems: [],
    value: {
      ca: ca.cert,
      certificate: own.cert,
      key: own.key,
      serverName: 'up.test',
      files: {
        ca: resolve(directory, 'ca.crt'),
        certificate: resolve(directory, 'own.crt'),
        key: resolve(directory, 'own.key'),
      },
    },
  })
  const none = { ca: undefined, certificate: undefined, key: undefined }
  assert.deepEqual(compile({ server_name: 'up.test' }).value, { ...none, serverName: 'up.test', files: none })
})

const faults: readonly (readonly [UpstreamTlsInput, string])[] = [
  [{ certificate: 'own.crt' }, 'certificate (key): `certificate` needs its `key`'],
  [{ key: 'own.key' }, 'key (key): `key` needs its `certificate`'],
  [{ ca_file: 'nowhere' }, 'ca_file (value): the file `nowhere` does not exist'],
  [{ ca_file: 'empty' }, 'ca_file (value): the file `empty` is empty'],
  [{ ca_file: 'own.key' }, 'ca_file (value): the file `own.key` holds something that is no certificate'],
  [{ ca_file: 'half.crt' }, 'ca_file (value): the file `half.crt` holds a certificate that is cut off'],
  [
    { certificate: 'own.key', key: 'own.key' },
    'certificate (value): the file `own.key` holds no certificate in PEM form',
  ],
  [
    { certificate: 'half.crt', key: 'own.key' },
    'certificate (value): the file `half.crt` holds a certificate that is cut off',
  ],
  [
    { certificate: 'own.crt', key: 'half.key' },
    'key (value): the file `half.key` holds no private key in PEM form that can be read without a passphrase',
  ],
  [{ certificate: 'own.crt', key: 'other.key' }, 'key (value): this is not the private key of the certificate'],
  [
    { certificate: 'short.crt', key: 'short.key' },
    'certificate (value): OpenSSL refuses this certificate with its key, which may be too short',
  ],
]
for (const [tls, problem] of faults) {
  test(`tls of an upstream: ${problem}`, () => assert.deepEqual(compile(tls).problems, [problem]))
}

test('every problem is told, and none shows what a file holds', () => {
  const { problems } = compile({ ca_file: 'nowhere', certificate: 'half.key', key: 'own.crt' })
  assert.equal(problems.length, 3)
  for (const line of Object.values(files).flatMap((text) => text.split('\n').filter((one) => one.length > 20))) {
    assert.ok(!problems.join('\n').includes(line))
  }
})
