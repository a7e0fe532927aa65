import assert from 'node:assert/strict'
import { resolve } from 'node:path'
import { test } from 'node:test'
import { run } from '../../src/commands/check.ts'
import { findConfigFile } from '../../src/commands/config-place.ts'
import { temporaryFile } from '../support/audgate-process.ts'

const golden = (name: string): string => resolve(import.meta.dirname, '../golden/config', name)

const check = async (args: string[], env: Record<string, string> = {}) => {
  const out = { stdout: '', stderr: '', status: 0 }
  out.status = await run(args, {
    stdout: (text) => {
      out.stdout += text
    },
    stderr: (text) => {
      out.stderr += text
    },
    env,
  })
  return out
}

test('check: a good config is one line on standard output and status 0', async () => {
  const file = golden('good-anywhere.yaml')
  assert.deepEqual(await check(['--config', file]), {
    stdout: `${file}: ok, 1 issuer, 1 resource\n`,
    stderr: '',
    status: 0,
  })
})

test('check: problems go to standard error, with status 1 and nothing on standard output', async () => {
  const { stdout, stderr, status } = await check(['--config', golden('yaml-tab-indentation.yaml')])
  assert.deepEqual([stdout, status], ['', 1])
  assert.match(stderr, /yaml-tab-indentation\.yaml:2:1: a tab in the indentation/)
})

test('check --format json: ok, problems and warnings with their places, and nothing else', async () => {
  const file = golden('key-unknown.yaml')
  const { stdout, stderr, status } = await check(['--config', file, '--format', 'json'])
  assert.deepEqual([stderr, status], ['', 1])
  assert.deepEqual(JSON.parse(stdout), {
    ok: false,
    problems: [
      { file, line: 1, column: 1, message: '`upstreams` is missing' },
      { file, line: 4, column: 1, message: 'unknown key `upstream`; did you mean `upstreams`?' },
      { file, line: 6, column: 1, message: 'unknown key `audience`' },
    ],
    warnings: [{ file, line: 1, column: 1, message: 'no upstreams: every request is refused' }],
  })
  const good = await check(['--config', golden('good-anywhere.yaml'), '--format', 'json'])
  assert.deepEqual([JSON.parse(good.stdout), good.status], [{ ok: true, problems: [], warnings: [] }, 0])
})

test('check: a bare origin is a hint, not a problem (RI-7)', async () => {
  const { stderr, status } = await check(['--config', golden('warn-bare-origin-and-query.yaml')])
  assert.equal(status, 0)
  assert.match(stderr, /warning: `https:\/\/api\.example\.com\/` is another audience/)
})

for (const args of [['--what'], ['--format', 'xml'], ['--config'], ['file.yaml']]) {
  test(`check ${args.join(' ')} is wrong usage: status 2 and how it is written`, async () => {
    const { stdout, stderr, status } = await check(args, { AUDGATE_CONFIG: golden('good-anywhere.yaml') })
    assert.deepEqual([stdout, status], ['', 2])
    assert.match(stderr, /usage: audgate check/)
  })
}

test('check: a config that is named but missing is a no, with status 1', async () => {
  const { stderr, status } = await check([], { AUDGATE_CONFIG: '/nowhere/audgate.yaml' })
  assert.equal(status, 1)
  assert.equal(stderr, '/nowhere/audgate.yaml:1:1: the config file does not exist\n')
})

test('the config is looked for in --config, AUDGATE_CONFIG, and the usual places, in this order', () => {
  const env = { AUDGATE_CONFIG: 'from-env.yaml' }
  const all = () => true
  assert.equal(findConfigFile('named.yaml', env, all), 'named.yaml')
  assert.equal(findConfigFile(undefined, env, all), 'from-env.yaml')
  assert.equal(findConfigFile(undefined, { AUDGATE_CONFIG: '' }, all), './audgate.yaml')
  assert.equal(
    findConfigFile(undefined, {}, (file) => file !== './audgate.yaml'),
    './config/audgate.yaml',
  )
  assert.equal(
    findConfigFile(undefined, {}, (file) => file.startsWith('/etc/')),
    '/etc/audgate/audgate.yaml',
  )
  assert.equal(
    findConfigFile(undefined, {}, () => false),
    undefined,
  )
})

test('check --online: an issuer and an upstream that do not answer are said, and exit with 1', async (t) => {
  const yaml =
    'issuers: { main: http://127.0.0.1:1 }\nupstreams: { "http://127.0.0.1:2": { resource: https://api.test/x } }\n'
  const file = temporaryFile(t, 'audgate.yaml', yaml)
  const ask = (...more: string[]) => check(['--config', file, ...more])
  assert.equal((await ask()).status, 0)
  const text = await ask('--online')
  assert.equal(text.status, 1)
  assert.match(text.stderr, /^issuer main: no keys: /m)
  assert.match(text.stderr, /^upstream http:\/\/127\.0\.0\.1:2: no TCP connection: ECONNREFUSED/m)
  const json = await ask('--online', '--format', 'json')
  assert.equal(json.status, 1)
  const { ok, online } = JSON.parse(json.stdout)
  assert.equal(ok, false)
  assert.equal(online.length, 2)
})
