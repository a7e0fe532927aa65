import assert from 'node:assert/strict'
import { execFile, spawn } from 'node:child_process'
import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { type TestContext, test } from 'node:test'
import { promisify } from 'node:util'
import { version } from '../../src/version.ts'
import { eventually } from '../support/eventually.ts'
import { freePort } from '../support/free-port.ts'
import { issuerYaml, liveKey, liveToken, ORDERS } from '../support/orders.ts'
import { requireProgram } from '../support/programs.ts'
import { startUpstream } from '../support/upstream.ts'
import { type Buildah, requireBuildah } from './buildah.ts'
import { bases, makeBases } from './stand-in.ts'

const execute = promisify(execFile)
const root = resolve(import.meta.dirname, '../..')
const name = 'localhost/audgate:test'
const digest = `sha256:${'0'.repeat(64)}`
const arbitraryUser = '1000780000:0'

interface ImageConfig {
  readonly User: string
  readonly Env: readonly string[]
  readonly Entrypoint: readonly string[]
  readonly Cmd: readonly string[]
  readonly WorkingDir: string
  readonly ExposedPorts: object
  readonly Labels: Readonly<Record<string, string>>
  readonly Healthcheck: { readonly Test: readonly string[]; readonly Timeout: number }
}

test('OP-12: the Dockerfile makes an image that runs as it says', async (t) => {
  const buildah = requireBuildah(t)
  if (!buildah) return
  const { npmrc, buildDigest, runtimeDigest } = await makeBases(t, buildah)
  // As a release does it: both bases by digest.
  const pins = [`BUILD_DIGEST=${buildDigest}`, `RUNTIME_DIGEST=${runtimeDigest}`]
  const release = [...pins, 'REVISION=abc123', 'CREATED=2026-11-23T00:00:00Z', 'SOURCE=https://git.example.com/audgate']
  await buildah.call(
    ...['bud', '--pull-never', '--format', 'docker', '--layers=false', '--quiet', '--tag', name],
    ...['--secret', `id=npmrc,src=${npmrc}`, ...release.flatMap((argument) => ['--build-arg', argument]), root],
  )
  const inspected = JSON.parse(await buildah.call('inspect', '--type', 'image', name))
  const config: ImageConfig = inspected.Docker.config
  const container = await buildah.call('from', '--pull-never', name)
  const files = await buildah.call('mount', container)
  const stage: Stage = { buildah, container, files, command: [...config.Entrypoint, ...config.Cmd] }

  await t.test('operations 2.1: user, entrypoint, command, ports, environment and health check', () => {
    assert.equal(config.User, '65532:65532')
    assert.deepEqual(config.Entrypoint, ['/usr/local/bin/audgate'])
    assert.deepEqual(config.Cmd, ['serve'])
    assert.ok(config.Env.includes('AUDGATE_CONFIG=/etc/audgate/audgate.yaml'))
    assert.deepEqual(Object.keys(config.ExposedPorts), ['8080/tcp', '9090/tcp'])
    assert.equal(config.WorkingDir, '/')
    assert.deepEqual(config.Healthcheck.Test, ['CMD', '/usr/local/bin/audgate', 'probe'])
    // Longer than the probe waits, or its reason would never be seen.
    assert.ok(config.Healthcheck.Timeout > 2e9)
    assert.ok(config.Env.includes('NODE_ENV=production'))
    assert.ok(!config.Env.some((entry) => entry.startsWith('NODE_OPTIONS=')), 'OP-5: kept free for the operator')
  })

  await t.test('operations 2.1: the labels of OCI', () => {
    const prefix = 'org.opencontainers.image.'
    const labels = Object.entries(config.Labels).filter(([key]) => key.startsWith(prefix))
    const { description, ...rest } = Object.fromEntries(labels.map(([key, value]) => [key.slice(prefix.length), value]))
    assert.match(description ?? '', /RFC 8707/)
    assert.deepEqual(rest, {
      title: 'audgate',
      source: 'https://git.example.com/audgate',
      url: 'https://git.example.com/audgate',
      documentation: 'https://git.example.com/audgate',
      version,
      revision: 'abc123',
      created: '2026-11-23T00:00:00Z',
      licenses: 'Apache-2.0',
      vendor: 'Audgate',
      'base.name': bases.runtime,
      'base.digest': runtimeDigest,
    })
  })

  await t.test('one file of code, the licences, and nothing that any other user could change', () => {
    assert.deepEqual(readdirSync(join(files, 'app')).toSorted(), [
      'LICENSE',
      'THIRD_PARTY',
      'audgate.js',
      'audgate.js.map',
      'package.json',
    ])
    for (const [path, mode] of [
      ['app', 0o755],
      ['usr/local/bin', 0o755],
      ['usr/local/bin/audgate', 0o755],
      ['app/audgate.js', 0o755],
      ['app/audgate.js.map', 0o644],
      ['app/package.json', 0o644],
      ['app/LICENSE', 0o644],
      ['app/THIRD_PARTY', 0o644],
    ] as const) {
      const status = statSync(join(files, path))
      assert.deepEqual([path, status.uid, status.gid, status.mode & 0o7777], [path, 0, 0, mode])
    }
    const all = readdirSync(files, { recursive: true, encoding: 'utf8' })
    assert.deepEqual(
      all.filter((path) => /(?:^|\/)(?:node_modules|npm|npx|sh|bash|npmrc|\.npmrc|oidc-provider|src)$/.test(path)),
      [],
    )
    assert.equal(JSON.parse(readFileSync(join(files, 'app/package.json'), 'utf8')).type, 'module')
  })

  await t.test('`audgate` is on the path, with the heap of OP-5 and with source maps', async () => {
    const show =
      "process.on('exit',()=>process.stdout.write(JSON.stringify([process.execArgv,process.sourceMapsEnabled])))"
    const run = ['run', '--env', `NODE_OPTIONS=--import=data:text/javascript,${encodeURIComponent(show)}`, container]
    assert.equal(
      await buildah.call(...run, '--', 'audgate', 'version'),
      `audgate ${version} (Node ${process.version})\n[["--max-old-space-size-percentage=60"],true]`,
    )
  })

  await t.test('as the image says: requests go through, probe answers, SIGTERM ends it with 0', async (t) => {
    await serveAndEnd(t, stage, [], async (settings) => {
      const probe = () => buildah.call('run', ...settings, container, '--', 'audgate', 'probe')
      await probe()
      return () => assert.rejects(probe(), /livez fails: ECONNREFUSED/)
    })
  })

  await t.test('as any user of group 0, as OpenShift chooses one', async (t) => {
    const asUser = ['--user', arbitraryUser]
    await serveAndEnd(t, stage, asUser, async (settings) => {
      await buildah.call('run', ...asUser, ...settings, container, '--', 'audgate', 'probe')
      return () => undefined
    })
  })

  await t.test('OP-4: as PID 1 on a read-only root, SIGTERM ends it with 0', async (t) => {
    const isolate = requireProgram(t, 'unshare')
    if (isolate === undefined) return
    const { folder, port, curl } = await configure(t)
    mkdirSync(join(files, 'etc/audgate'), { recursive: true })
    const script = [
      'set -e',
      'mount --bind "$1" "$1"',
      'mount --bind "$2" "$1/etc/audgate"',
      'mount -o remount,bind,ro "$1"',
      'shift 2',
      'exec "$@"',
    ].join('\n')
    const inside = ['chroot', `--userspec=${arbitraryUser}`, files, ...stage.command]
    const child = spawn(
      isolate,
      ['--pid', '--fork', '--kill-child', '--mount', 'sh', '-c', script, 'sh', files, folder, ...inside],
      { stdio: ['ignore', 'pipe', 'pipe'], env: { PATH: process.env.PATH } },
    )
    t.after(() => child.kill('SIGKILL'))
    const heard = listen(child)
    await eventually('it listens', () => heard.out().includes('"msg":"listening"') || heard.over(), 20_000)
    assert.equal(heard.over(), false, heard.out())
    assert.equal(await curl(`http://127.0.0.1:${port}/orders/1`, liveToken()), 200)
    const node = descendant(child.pid ?? 0)
    assert.match(readFileSync(`/proc/${node}/status`, 'utf8'), /^NSpid:\t\d+\t1$/m)
    assert.throws(() => writeFileSync(`/proc/${node}/root/app/audgate.js`, ''), { code: 'EROFS' })
    process.kill(node, 'SIGTERM')
    assert.equal(await heard.ended, 0)
    assert.match(heard.out(), /"cut":0,"msg":"closed"/)
  })

  await t.test('a base with another digest is refused, and another Node is another base', async () => {
    const build = (argument: string) =>
      buildah.call('bud', '--pull-never', '--format', 'docker', '--build-arg', argument, root)
    await assert.rejects(build(`BUILD_DIGEST=${digest}`), new RegExp(`docker\\.io/library/node@${digest}`))
    await assert.rejects(build('NODE=26'), /docker\.io\/library\/node:26-trixie-slim: image not known/)
  })
})

interface Stage {
  readonly buildah: Buildah
  readonly container: string
  readonly files: string
  readonly command: readonly string[]
}

/** A config that stands in a folder of its own, an upstream on this machine's loopback, and a client. */
const configure = async (t: TestContext) => {
  const folder = mkdtempSync(join(tmpdir(), 'audgate-etc-'))
  t.after(() => rmSync(folder, { recursive: true, force: true }))
  chmodSync(folder, 0o755)
  const upstream = await startUpstream(t)
  const [port, admin] = [await freePort(), await freePort()]
  const entry = { [upstream.url]: { resource: ORDERS, at: '/orders' } }
  const addresses = `listen: 127.0.0.1:${port}\nadmin: 127.0.0.1:${admin}\n`
  const issuers = issuerYaml().replace(/jwks: \{.*\} \} \} \}/, 'jwks_file: keys.json } } }')
  assert.match(issuers, /jwks_file/)
  writeFileSync(join(folder, 'keys.json'), JSON.stringify({ keys: [liveKey.jwk] }))
  writeFileSync(join(folder, 'audgate.yaml'), `${addresses}${issuers}upstreams: ${JSON.stringify(entry)}\n`)
  const program = requireProgram(t, 'curl') ?? ''
  const curl = async (url: string, token: string): Promise<number> => {
    const asked = ['--silent', '--output', '-', '--write-out', ' %{http_code}', '--max-time', '10']
    const { stdout } = await execute(program, [...asked, '--header', `Authorization: Bearer ${token}`, url])
    return Number(stdout.slice(-3))
  }
  return { folder, port, curl, upstream }
}

/** Runs the image's own command, curls through it, ends it by SIGTERM. */
const serveAndEnd = async (
  t: TestContext,
  { buildah, container, command }: Stage,
  options: readonly string[],
  meanwhile: (settings: readonly string[]) => Promise<() => unknown>,
): Promise<void> => {
  const { folder, port, curl, upstream } = await configure(t)
  const settings = ['--volume', `${folder}:/etc/audgate:ro`]
  const child = buildah.start(['run', ...options, ...settings, container, '--', ...command])
  t.after(() => child.kill('SIGKILL'))
  const heard = listen(child)
  await eventually('it listens', () => heard.out().includes('"msg":"listening"') || heard.over(), 30_000)
  assert.equal(heard.over(), false, heard.out())
  const node = descendant(child.pid ?? 0)
  t.after(() => !heard.over() && process.kill(node, 'SIGKILL'))

  assert.equal(await curl(`http://127.0.0.1:${port}/orders/1`, liveToken()), 200)
  assert.deepEqual(
    upstream.seen.map(({ target }) => target),
    ['/1'],
  )
  assert.equal(await curl(`http://127.0.0.1:${port}/orders/1`, liveToken({ aud: 'https://api.test/other' })), 401)
  assert.equal(upstream.seen.length, 1)
  const [user = '65532', group = '65532'] = (options[1] ?? '').split(':').filter((part) => part !== '')
  const status = readFileSync(`/proc/${node}/status`, 'utf8')
  assert.match(status, new RegExp(`^Uid:(?:\\t${user}){4}$`, 'm'))
  assert.match(status, new RegExp(`^Gid:(?:\\t${group}){4}$`, 'm'))
  const afterwards = await meanwhile(settings)

  process.kill(node, 'SIGTERM')
  assert.equal(await heard.ended, 0, heard.out())
  assert.match(heard.out(), /"cut":0,"msg":"closed"/)
  await afterwards()
}

const listen = (child: ReturnType<typeof spawn>) => {
  let out = ''
  let over = false
  for (const stream of [child.stdout, child.stderr]) {
    stream?.setEncoding('utf8').on('data', (chunk: string) => {
      out += chunk
    })
  }
  const ended = new Promise<number | string | null>((resolve) =>
    child.once('close', (code, signal) => {
      over = true
      resolve(code ?? signal)
    }),
  )
  return { out: () => out, over: () => over, ended }
}

/** The last of the processes that each started one: Node, behind what isolates it. */
const descendant = (pid: number): number => {
  const children = readdirSync(`/proc/${pid}/task`).flatMap((task) =>
    readFileSync(`/proc/${pid}/task/${task}/children`, 'utf8').split(' ').filter(Boolean),
  )
  const [child] = children
  return child === undefined ? pid : descendant(Number(child))
}
