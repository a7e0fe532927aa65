import assert from 'node:assert/strict'
import { execFileSync } from 'node:child_process'
import { mkdirSync, mkdtempSync, rmSync, truncateSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { type TestContext, test } from 'node:test'
import { loadConfig, parseConfig } from '../../src/config/load.ts'
import { formatProblem } from '../../src/config/problem.ts'
import { viewOf } from '../../src/config/view.ts'

const temporary = (t: TestContext): string => {
  const directory = mkdtempSync(join(tmpdir(), 'audgate-load-'))
  t.after(() => rmSync(directory, { recursive: true }))
  return directory
}

const smallest =
  'issuers:\n  main: https://auth.example.com/oidc\nupstreams:\n  http://127.0.0.1:3000: https://a.example.com/x\n'

test('attacks 2.8 row 9: a config that is missing, a directory, a pipe, a device, empty or too large is refused at once', (t) => {
  const directory = temporary(t)
  const pipe = join(directory, 'pipe')
  execFileSync('mkfifo', [pipe])
  mkdirSync(join(directory, 'directory'))
  const large = join(directory, 'large')
  writeFileSync(large, '')
  truncateSync(large, 32 * 1024 * 1024 + 1)
  for (const [file, expected] of [
    [join(directory, 'missing'), 'the config file does not exist'],
    [join(directory, 'directory'), 'the config file is a directory'],
    [pipe, 'the config file is not a regular file'],
    ['/dev/zero', 'the config file is not a regular file'],
    [large, 'the config file is too large (more than 32 MiB)'],
  ] as const) {
    const loaded = loadConfig(file, { env: {} })
    assert.deepEqual(loaded.ok ? [] : loaded.problems, [{ file, line: 1, column: 1, message: expected, source: '' }])
  }
})

test('attacks 2.8 row 2: a file that is not UTF-8 is refused, with the place of the first bad byte', (t) => {
  const directory = temporary(t)
  const latin1 = join(directory, 'latin1.yaml')
  writeFileSync(latin1, Buffer.from('issuers: {}\nupstreams: {} # caf\xe9\n', 'latin1'))
  const one = loadConfig(latin1, { env: {} })
  assert.deepEqual(one.ok ? [] : one.problems.map(({ line, column, message }) => [line, column, message]), [
    [2, 20, 'the file is not UTF-8'],
  ])
  const utf16 = join(directory, 'utf16.yaml')
  writeFileSync(utf16, Buffer.from('\ufeffissuers: {}\n', 'utf16le'))
  assert.equal(loadConfig(utf16, { env: {} }).ok, false)
})

test('relative paths are relative to the config file, and what they name is read at load', (t) => {
  const directory = temporary(t)
  const asked: string[] = []
  const text = `issuers:\n  main: { issuer: https://a.example.com, keys: { pem_file: keys/a.pem }, ca_file: ca.pem }\nupstreams: {}\n`
  const loaded = parseConfig(text, join(directory, 'audgate.yaml'), {
    env: {},
    readFile: (path) => {
      asked.push(path)
      return { ok: false, fault: 'is not there' }
    },
  })
  assert.deepEqual(asked.sort(), [join(directory, 'ca.pem'), join(directory, 'keys/a.pem')])
  assert.deepEqual(loaded.ok ? [] : loaded.problems.map(({ message }) => message), [
    'the file `keys/a.pem` is not there',
    'the file `ca.pem` is not there',
  ])
})

test('operations 4.5: the files that were read are known, whether they are there or not, each with what tells its content', (t) => {
  const directory = temporary(t)
  const file = join(directory, 'audgate.yaml')
  const [a, b] = [join(directory, 'a.pem'), join(directory, 'b.pem')]
  const read = (keys: string) => {
    writeFileSync(
      file,
      `issuers:\n  main: { issuer: https://a.example.com, keys: { pem_file: ${keys} } }\nupstreams: {}\n`,
    )
    const loaded = loadConfig(file, { env: {} })
    return loaded.ok ? loaded.config.files : loaded.files
  }
  const before = read('a.pem')
  assert.deepEqual([...before.keys()], [file, a])
  writeFileSync(a, 'one')
  const there = read('a.pem')
  writeFileSync(a, 'two')
  const other = read('a.pem')
  assert.equal(new Set([before, there, other].map((files) => files.get(a))).size, 3)
  assert.equal(there.get(file), other.get(file))
  assert.deepEqual([...read('b.pem').keys()], [file, b])
  writeFileSync(file, 'a: [')
  const broken = loadConfig(file, { env: {} })
  assert.deepEqual(broken.ok || [...broken.files.keys()], [file])
})

test('BR-26: what the admin listener shows of the files is their names', (t) => {
  const file = join(temporary(t), 'audgate.yaml')
  writeFileSync(file, smallest)
  const loaded = loadConfig(file, { env: {} })
  assert.ok(loaded.ok)
  const text = JSON.stringify(viewOf(loaded.config))
  assert.ok(text.includes(`"files":["${file}"]`))
  for (const digest of loaded.config.files.values()) assert.ok(!text.includes(digest))
})

test('a config is frozen, and its hash is that of its text', () => {
  const one = parseConfig(smallest, 'a.yaml', { env: {} })
  const same = parseConfig(smallest, 'b.yaml', { env: { UNUSED: 'x' } })
  const other = parseConfig(`${smallest}# more\n`, 'a.yaml', { env: {} })
  assert.ok(one.ok && same.ok && other.ok)
  assert.match(one.config.hash, /^[0-9a-f]{12}$/)
  assert.equal(one.config.hash, same.config.hash)
  assert.notEqual(one.config.hash, other.config.hash)
  for (const part of [one.config, one.config.issuers[0]?.keys.refresh, one.config.resources.all[0]?.otherwise.rule]) {
    assert.ok(Object.isFrozen(part))
  }
})

test('a BOM and CRLF change neither the meaning nor the columns', () => {
  const text = `\ufeff${smallest.replace('issuers', 'isuers')}`.replaceAll('\n', '\r\n')
  const loaded = parseConfig(text, 'a.yaml', { env: {} })
  const [first] = loaded.ok ? [] : loaded.problems.filter(({ message }) => message.startsWith('unknown key'))
  assert.ok(first)
  assert.equal(
    formatProblem(first),
    'a.yaml:1:1: unknown key `isuers`; did you mean `issuers`?\n  1 | isuers:\n      ^',
  )
})

test('BR-26: no problem shows a value of the environment, a secret, a password in a URL or a private key', () => {
  const text = [
    'store: redis://user:canary-1@host',
    'dev: { issuer: "${CANARY}", clients: { cli: { secret: canary-2, roels: [x], "client_secret": \'canary-3\' } } }',
    'issuers:',
    '  main: { issuer: "${CANARY}", keys: { jwks: { keys: [{ kty: OKP, crv: Ed25519, x: a, d: canary-4 }] } } }',
    '  two: https://user:canary-5@auth.example.com',
    'upstreams:',
    '  http://user:canary-6@127.0.0.1: { resource: "${CANARY}", at: "${CANARY}", name: "${CANARY}", scopes: "${CANARY}" }',
    '  ${CANARY}: { resource: "https://u:canary-7@h/", at: "https://u:canary-8@h/", issuers: ["${CANARY}"] }',
  ].join('\n')
  const loaded = parseConfig(text, 'a.yaml', { env: { CANARY: 'canary "0' } })
  assert.ok(!loaded.ok && loaded.problems.length >= 10)
  const shown = [...loaded.problems, ...loaded.warnings].map(formatProblem).join('\n')
  assert.doesNotMatch(shown, /canary/)
})
