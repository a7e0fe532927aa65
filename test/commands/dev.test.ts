import assert from 'node:assert/strict'
import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { decodeProtectedHeader } from 'jose'
import { run } from '../../src/commands/dev.ts'
import { freePort } from '../support/free-port.ts'

const root = resolve(import.meta.dirname, '../..')

/** The demo of the contract, on free ports. */
const setting = async (t: TestContext) => {
  const [gateway, issuer, orders, billing] = [await freePort(), await freePort(), await freePort(), await freePort()]
  const folder = mkdtempSync(join(tmpdir(), 'audgate-dev-'))
  t.after(() => rmSync(folder, { recursive: true }))
  const file = join(folder, 'dev.yaml')
  writeFileSync(
    file,
    `listen: 127.0.0.1:${gateway}
admin: false
issuers: { main: http://127.0.0.1:${issuer} }
upstreams:
  http://127.0.0.1:${orders}:
    resource: https://api.example.com/orders
    at: /orders
    routes: { GET /: orders:read, POST /: orders:write }
  http://127.0.0.1:${billing}: { resource: https://api.example.com/billing, at: /billing, scopes: billing:read }
  unix:${folder}/api.sock:/v1: { resource: https://api.example.com/files, at: /files }
dev:
  issuer: main
  roles:
    clerk: { https://api.example.com/orders: [orders:read, orders:write], https://api.example.com/billing: [billing:read] }
  clients: { cli: { secret: dev, roles: [clerk] } }
  apis: [http://127.0.0.1:${orders}, http://127.0.0.1:${billing}]
`,
  )
  return { file, ports: { gateway, issuer, orders, billing } }
}

const start = (t: TestContext, file: string) => {
  const args = ['--import', 'tsx', 'src/main.ts', 'dev', '--config', file]
  const child = spawn(process.execPath, args, { cwd: root, stdio: ['ignore', 'pipe', 'pipe'] })
  t.after(() => child.kill('SIGKILL'))
  const output = { stdout: '', stderr: '' }
  child.stdout.on('data', (chunk) => {
    output.stdout += chunk
  })
  child.stderr.on('data', (chunk) => {
    output.stderr += chunk
  })
  return { child, output }
}

const until = async (child: ChildProcess, output: { readonly stdout: string }, words: string): Promise<void> => {
  while (!output.stdout.includes(words)) {
    if (child.exitCode !== null || !child.stdout) throw new Error(`ended before it said ${words}`)
    await once(child.stdout, 'data')
  }
}

/** What `curl` would do, from the line as a shell reads it. */
const paste = async (line: string): Promise<Response> => {
  const script = `curl() { for word in "$@"; do printf '%s\\0' "$word"; done; }\n${line}\n`
  const words = execFileSync('sh', { input: script }).toString().split('\0').slice(0, -1)
  const after = (flag: string) => words.flatMap((word, index) => (word === flag ? [words[index + 1] ?? ''] : []))
  const [method = 'GET'] = after('-X')
  const [body] = after('-d')
  return fetch(words.at(-1) ?? '', {
    method,
    headers: after('-H').map((field): [string, string] => {
      const [name = '', value = ''] = field.split(': ')
      return [name, value]
    }),
    ...(body === undefined ? {} : { body }),
  })
}

test('audgate dev: every printed line does what it says, keys rotate on SIGUSR2, Ctrl-C ends everything', async (t) => {
  const { file, ports } = await setting(t)
  const { child, output } = start(t, file)
  await until(child, output, 'Ctrl-C ends everything.')

  const commands = [...output.stdout.matchAll(/^# (.+): (\d+)(?: (\w+))?\n(curl .+)$/gm)]
  assert.deepEqual(
    commands.map(([, title]) => title),
    ['allowed read', 'allowed write', 'no token', 'token for the other API', 'missing scope', 'expired token'],
  )
  const tryAll = async () => {
    for (const [, title, status, reason, line = ''] of commands) {
      const response = await paste(line)
      const body = (await response.json()) as { readonly reason?: string }
      assert.deepEqual({ title, status: `${response.status}`, reason: body.reason }, { title, status, reason })
    }
  }
  await tryAll()
  assert.doesNotMatch(output.stderr, /WARNING/)
  assert.match(output.stdout, new RegExp(`forwarded to http://127\\.0\\.0\\.1:${ports.orders}$`, 'm'))
  assert.match(output.stdout, /forwarded to unix:\/\S+\/api\.sock:\/v1$/m)

  child.kill('SIGUSR2')
  await until(child, output, 'new signing keys')
  await tryAll()
  const answer = await fetch(`http://127.0.0.1:${ports.issuer}/token`, {
    method: 'POST',
    body: new URLSearchParams({
      grant_type: 'client_credentials',
      client_id: 'cli',
      client_secret: 'dev',
      resource: 'https://api.example.com/orders',
    }),
  })
  const { access_token = '' } = (await answer.json()) as { readonly access_token?: string }
  const printed = /Bearer ([^']+)'/.exec(commands[0]?.[4] ?? '')?.[1] ?? ''
  assert.notEqual(decodeProtectedHeader(access_token).kid, decodeProtectedHeader(printed).kid)
  const fresh = await fetch(`http://127.0.0.1:${ports.gateway}/orders`, {
    headers: { authorization: `Bearer ${access_token}` },
  })
  assert.equal(fresh.status, 200)

  child.kill('SIGINT')
  await once(child, 'exit')
  assert.equal(child.exitCode, 0)
  for (const port of Object.values(ports)) await assert.rejects(fetch(`http://127.0.0.1:${port}/`))
})

test('audgate dev: a taken port ends it with status 1 and names address and config key', async (t) => {
  const { file, ports } = await setting(t)
  const other = createServer().listen(ports.billing, '127.0.0.1')
  await once(other, 'listening')
  t.after(() => other.close())

  const { child, output } = start(t, file)
  await once(child, 'close')
  assert.equal(child.exitCode, 1)
  assert.equal(
    output.stderr,
    `audgate dev: cannot listen on 127.0.0.1:${ports.billing} (config key dev.apis[1]): the port is taken by another process\n`,
  )
})

const inProcess = async (args: string[]) => {
  let stderr = ''
  const status = await run(args, {
    stdout: () => {},
    stderr: (text) => {
      stderr += text
    },
    env: {},
    signal: new AbortController().signal,
    on: () => {},
  })
  return { status, stderr }
}

test('audgate dev: an unknown option is wrong usage, a config without a dev block is a no', async (t) => {
  const { file } = await setting(t)
  writeFileSync(file, 'issuers: {}\nupstreams: {}\n')

  const usage = await inProcess(['--confg', file])
  assert.equal(usage.status, 2)
  assert.match(usage.stderr, /usage: audgate dev/)
  const none = await inProcess(['--config', file])
  assert.deepEqual(none, { status: 1, stderr: `audgate dev: ${file} has no \`dev\` block\n` })
})
